import { caBundle } from './credentials.js';
import { crossCheck, field, maxEntries, readEntries, section, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { boolean, duration, maxText, readText, secret, text } from './scalars.js';
import { Secret } from './secret.js';
import { secretUrl } from './urls.js';

/** A host and its port; an address of IPv6 stands in brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const hostPortPattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/@,]+):(\d{1,5})$/;

const readHostPort = (value: unknown): HostPort => {
  const [, host = '', port = ''] = hostPortPattern.exec(typeof value === 'string' ? value : '') ?? [];
  return host === '' || Number(port) < 1 || Number(port) > 65_535 ? wrong('must be host:port') : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
};

/** Also as one text with commas between, for the environment. */
const hosts = (spec: FieldSpec) =>
  field({ form: 'list of host:port', json: { type: ['array', 'string'], items: { type: 'string', pattern: hostPortPattern.source }, minItems: 1, maxItems: maxEntries, maxLength: maxText }, ...spec }, (value): HostPort[] => {
    const entries: unknown = typeof value === 'string' ? readText(value).split(',').map((entry) => entry.trim()) : value;
    if (!Array.isArray(entries) || entries.length === 0) return wrong('must be a list of host:port, or one text with commas between them');
    return entries.length > maxEntries ? wrong(`must have at most ${maxEntries} entries`) : readEntries(entries, readHostPort);
  });

const sentinel = section('The Sentinels that watch Redis. They are asked for the primary at each connect, and tell of a failover.', {
  addresses: hosts({ description: 'All Sentinels. As one text: `10.0.0.1:26379,10.0.0.2:26379`.', hint: '[sentinel-1:26379, sentinel-2:26379, sentinel-3:26379]' }),
  username: text({ description: 'User of the Sentinels, where they have an ACL.', hint: 'bridge' }).optional(),
  password: secret({ description: 'Password of the Sentinels, which is not that of Redis.', hint: '${REDIS_SENTINEL_PASSWORD}' }).optional(),
  tls: boolean({ description: 'Whether the Sentinels speak TLS; `caCertificate` holds for them too.' }).prefault(false),
});

const urlOf = (url: unknown): URL | undefined => (url instanceof Secret && URL.canParse(url.reveal()) ? new URL(url.reveal()) : undefined);

const checkForm = ({ url, sentinel: sentinels, cluster }: Loose, report: Report): void => {
  const { port = '', pathname = '' } = urlOf(url) ?? {};
  if (sentinels !== undefined && cluster !== undefined) report(['cluster'], 'cannot stand beside sentinel: a Redis Cluster fails over by itself');
  if (sentinels !== undefined && port !== '') report(['url'], 'must not have a port with sentinel: its host is the name of the primary, such as redis://mymaster');
  if (cluster !== undefined && !/^\/?0*$/.test(pathname)) report(['url'], 'must not name a database with cluster: a Redis Cluster has only one');
};

/** Redis where one is used: a single server, a primary behind Sentinels, or a cluster. */
export const redisSchema = section('Redis keeps the downlinks, and several bridges may share it. Without it they are kept in dataDir. docs/redis.md tells what must be set there.', {
  url: secretUrl({ description: 'Address of Redis, `redis://` or `rediss://`, with user and password where it has them. Also taken from `REDIS_URL`. With `sentinel` its host is the name of the primary that the Sentinels know.', hint: '${REDIS_URL}' }, ['redis', 'rediss']),
  caCertificate: caBundle({ description: "CA certificates that the certificate of a rediss:// address must chain to; Node's own list when absent.", hint: 'certs/redis-ca.pem' }).optional(),
  sentinel: sentinel.optional(),
  cluster: hosts({ description: 'Nodes of a Redis Cluster beside the one of `url`; any of them tells the others. As one text: `node-2:6379,node-3:6379`.', hint: '[redis-2:6379, redis-3:6379]' }).optional(),
  slotLease: duration({ description: 'With `outbox.store: redis`: a replica that has not been heard of for so long is taken for dead, and another takes over what it left.' }, { min: '1s', max: '5m' }).prefault('10s'),
}).check(crossCheck(checkForm));
