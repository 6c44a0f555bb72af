import { writeFileSync } from 'node:fs';
import t from 'tap';
import { BridgeError } from '../../../src/errors.js';
import { issueCertificate } from '../../../src/sandbox/issue-certificate.js';
import { redisAddressOf, type RedisReach } from '../../../src/store/redis/redis-options.js';
import { addAll, newDownlink, recordWork } from '../../contracts/downlink-store-samples.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';
import { openStore, readableLogger, redisFor } from './open-store.js';

const marker = 'pa55-märker/:@?';
const encoded = encodeURIComponent(marker);

/** The options of a client that never connects. */
const optionsOf = (reach: RedisReach): object => {
  const client = redisAddressOf(reach).connect({ lazyConnect: true });
  client.disconnect();
  return client.options;
};

void t.test('what a URL says', (t) => {
  const rows = [
    { url: 'redis://127.0.0.1', expect: { host: '127.0.0.1', port: 6379, db: 0, username: null, password: null, tls: undefined } },
    { url: 'redis://[::1]:7000/3', expect: { host: '::1', port: 7000, db: 3 } },
    { url: `redis://bridge:${encoded}@redis.local:6380`, expect: { host: 'redis.local', username: 'bridge', password: marker } },
    { url: `redis://:${encoded}@redis.local`, expect: { username: null, password: marker } },
    { url: 'rediss://redis.local', ca: 'PEM', expect: { tls: { servername: 'redis.local', ca: 'PEM' } } },
    { url: 'rediss://127.0.0.1/', expect: { tls: {}, db: 0 } },
  ];
  for (const { url, ca, expect } of rows) t.match(optionsOf({ url, ...(ca === undefined ? {} : { ca }) }), expect, url);
  t.end();
});

void t.test('with Sentinels the host of the URL is the name of the primary', (t) => {
  const addresses = [{ host: 'one', port: 1 }, { host: '::1', port: 2 }];
  const plain = optionsOf({ url: 'redis://u:p@My_Primary/2', sentinel: { addresses, tls: false } });
  t.match(plain, { sentinels: addresses, name: 'My_Primary', role: 'master', db: 2, username: 'u', password: 'p', sentinelUsername: undefined, sentinelPassword: undefined, tls: undefined, enableTLSForSentinelMode: false });
  const secured = optionsOf({ url: 'rediss://mymaster', ca: 'PEM', sentinel: { addresses, username: 's', password: marker, tls: true } });
  t.match(secured, { name: 'mymaster', sentinelUsername: 's', sentinelPassword: marker, sentinelTLS: { ca: 'PEM' }, tls: { ca: 'PEM', servername: undefined }, enableTLSForSentinelMode: true });
  t.equal(redisAddressOf({ url: 'redis://m', sentinel: { addresses, tls: false, password: marker } }).describe(`no ${marker}`), 'no [redacted]');
  t.end();
});

void t.test('what is no Redis URL is refused without being repeated', (t) => {
  for (const url of ['', 'redis', `http://u:${encoded}@host`, `redis://u:${encoded}@`, `redis://u:${encoded}@host/name`, `redis://u:${encoded}@host:port`, `//${encoded}`]) {
    let thrown: unknown;
    try {
      redisAddressOf({ url });
    } catch (error) {
      thrown = error;
    }
    t.ok(thrown instanceof BridgeError && thrown.reason === 'config_invalid', url);
    t.notMatch(JSON.stringify([String(thrown), thrown]), /pa55/);
  }
  t.end();
});

void t.test('a password in an error is hidden, in both spellings', (t) => {
  const address = redisAddressOf({ url: `redis://bridge:${encoded}@redis.local` });
  t.equal(address.describe(new Error(`ERR unknown command AUTH, with args: ${marker} ${encoded}`)), 'ERR unknown command AUTH, with args: [redacted] [redacted]');
  t.equal(address.describe('plain'), 'plain');
  t.end();
});

void t.test('TLS with a CA, and a user with a password', async (t) => {
  const ca = await issueCertificate('ca', 'Test CA');
  const server = await issueCertificate('server', 'redis', ca);
  const dir = testDir(t);
  writeFileSync(`${dir}/cert.pem`, server.certificate);
  writeFileSync(`${dir}/key.pem`, server.privateKey);
  const settings = { 'tls-cert-file': `${dir}/cert.pem`, 'tls-key-file': `${dir}/key.pem`, 'tls-auth-clients': 'no', requirepass: marker };
  const redis = await redisFor(t, { tls: true, settings, credentials: `default:${encoded}@` });
  const { logger, lines, text } = readableLogger();
  const store = await openStore(t, redis.url, { ca: ca.certificate, logger });
  t.equal(store.problem(), undefined);
  const work = recordWork();
  store.queue.start(work);
  await addAll(store, [newDownlink('a', 'd')]);
  await until('it leaves', () => work.handed.length === 1);
  const untrusting = await openStore(t, redis.url, { logger });
  t.match(untrusting.problem(), { reason: 'redis_unavailable', detail: /certificate/ });
  const wrong = await openStore(t, redis.url.replace(encoded, 'wrong-pa55'), { ca: ca.certificate, logger });
  t.match(wrong.problem(), { reason: 'redis_unavailable', detail: /WRONGPASS/ });
  const error: unknown = await addAll(wrong, [newDownlink('b', 'd')]).catch((thrown: unknown) => thrown);
  t.match(error, { reason: 'store_unavailable' });
  t.equal(lines.length, 2, 'both were said');
  t.notMatch(`${text()}${String(error)}${JSON.stringify(error)}${JSON.stringify(wrong.problem())}`, /pa55/, 'no password anywhere');
});
