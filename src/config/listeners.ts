import { crossCheck, field, maxEntries, section, wrong, type FieldSpec } from './field.js';
import { byteSize, choice, integer, networks, text } from './scalars.js';
import { certificate, checkPair, privateKey } from './credentials.js';

const host = (example: string, description: string) => text({ description, example });
const port = (example: number, description: string) => integer({ description, example }, { min: 0, max: 65_535 });

/** `name` stands in the names of the files of the example. */
const tls = (name: string, description: string) =>
  section(description, {
    certificate: certificate({ description: 'Certificate of the listener, with its chain.', hint: `certs/${name}.pem` }),
    privateKey: privateKey({ description: 'Private key of the certificate.', hint: `certs/${name}.key` }),
  }).check(crossCheck(checkPair));

export const ingressSchema = section('The public listener, which takes the webhooks.', {
  host: host('0.0.0.0', 'Address to listen on.').prefault('0.0.0.0'),
  port: port(8080, 'Port to listen on; 0 picks a free one.').prefault(8080),
  tls: tls('ingress', 'Serve the webhooks over HTTPS. Without it, put the bridge behind a proxy that does.').optional(),
  trustedProxies: networks({ description: 'Proxies whose X-Forwarded-For is believed. Needed before `sources` mean anything behind a proxy.' }).prefault([]),
  bodyLimit: byteSize({ description: 'Longest webhook body.' }, { min: '1KB', max: '16MiB' }).prefault('1MiB'),
  maxConnections: integer({ description: 'Most open connections. When there are more, the oldest that never brought a message is closed. One costs about 20 KB, and over TLS about 120 KB.' }, { min: 10, max: 100_000 }).prefault(2_000),
}).prefault({});

const openPaths = ['health', 'metrics'] as const;
type OpenPath = (typeof openPaths)[number];

/** A list, or in a variable a text with commas; `none` in place of an empty one, which a variable cannot be. */
const readPaths = (value: unknown): OpenPath[] => {
  const given: unknown = typeof value === 'string' ? value.split(',').map((one) => one.trim()).filter((one) => one !== 'none') : value;
  if (!Array.isArray(given) || given.length > maxEntries) return wrong(`must be a list out of ${openPaths.join(', ')}`);
  const found = given.map((one: unknown) => openPaths.find((path) => path === one) ?? wrong(`must be a list out of ${openPaths.join(', ')}`));
  return openPaths.filter((path) => found.includes(path));
};

const paths = (spec: FieldSpec) =>
  field({ form: `list out of ${openPaths.join(', ')}`, json: { type: ['array', 'string'], items: { type: 'string', enum: openPaths }, maxItems: maxEntries }, ...spec }, readPaths);

export const privateSchema = section('The private listener: the API, /live, /ready, /health and /metrics. Not for the internet.', {
  host: host('127.0.0.1', 'Address to listen on.').prefault('127.0.0.1'),
  port: port(9090, 'Port to listen on; 0 picks a free one.').prefault(9090),
  authenticate: choice({ description: '`auto`: a token is needed unless the listener is bound to a loopback address. `always`: also there.' }, ['auto', 'always']).prefault('auto'),
  openPaths: paths({ description: 'Which of /health and /metrics need no token; `none` for neither. /live and /ready never need one.' }).prefault([...openPaths]),
  tls: tls('private', 'Serve the private listener over HTTPS, because tokens go over it.').optional(),
}).prefault({});
