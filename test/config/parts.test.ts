import { rootCertificates } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { format, inspect } from 'node:util';
import t from 'tap';
import { amazonRoots } from '../../src/config/amazon-roots.js';
import { dataEndpoint, endpointOf, parseEndpoint, trustedRoots } from '../../src/config/endpoint.js';
import { environmentName } from '../../src/config/environment.js';
import { didYouMean, nearestName } from '../../src/config/nearest.js';
import { pathText } from '../../src/config/problem.js';
import { isNetwork } from '../../src/config/scalars.js';
import { Secret } from '../../src/config/secret.js';
import { parseBytes, parseDuration } from '../../src/config/units.js';

void t.test('a secret shows itself only when asked by name', async (t) => {
  const secret = new Secret('hunter2');
  t.equal(secret.reveal(), 'hunter2');
  const shown = [String(secret), JSON.stringify({ secret }), inspect(secret), inspect({ deep: { secret } }, { showHidden: true }), format('%s %o %j', secret, secret, secret), Object.values(secret).join()];
  for (const text of shown) t.notMatch(text, 'hunter2');
  t.equal(String(secret), '[redacted]');
});

void t.test('durations', async (t) => {
  const rows: [string, number | undefined][] = [
    ['500ms', 500], ['10s', 10_000], ['1.5s', 1_500], ['5m', 300_000], ['2h', 7_200_000], ['7d', 604_800_000], ['10 s', 10_000],
    ['10', undefined], ['', undefined], ['s', undefined], ['-1s', undefined], ['1h30m', undefined], ['1S', undefined], ['1 week', undefined], ['1constructor', undefined],
  ];
  for (const [text, ms] of rows) t.equal(parseDuration(text), ms, text);
});

void t.test('sizes', async (t) => {
  const rows: [string | number, number | undefined][] = [
    [100, 100], ['100', 100], ['512KB', 512_000], ['512KiB', 524_288], ['2GB', 2e9], ['2GiB', 2 ** 31], ['1.5MB', 1_500_000], ['7B', 7], ['0', 0],
    [-1, undefined], [1.5, undefined], ['2gb', undefined], ['GB', undefined], ['1e3', undefined], [Number.NaN, undefined],
  ];
  for (const [text, bytes] of rows) t.equal(parseBytes(text), bytes, String(text));
});

void t.test('networks', async (t) => {
  for (const right of ['10.0.0.0/8', '192.0.2.1', '::1', '2001:db8::/32', '0.0.0.0/0']) t.ok(isNetwork(right), right);
  for (const wrong of ['', 'localhost', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', 'fe80::1%eth0', '10.0.0']) t.notOk(isNetwork(wrong), wrong);
});

void t.test('endpoints', async (t) => {
  const rows: [string, object | undefined][] = [
    ['localhost', { host: 'localhost' }], ['localhost:1', { host: 'localhost', port: 1 }], ['[::1]:8883', { host: '::1', port: 8883 }], ['127.0.0.1:443', { host: '127.0.0.1', port: 443 }],
    ['', undefined], ['a:0', undefined], ['a:65536', undefined], ['https://a', undefined], ['a/b', undefined], ['::1', undefined], ['-a', undefined], ['a b', undefined], ['a:', undefined],
  ];
  for (const [text, endpoint] of rows) t.same(parseEndpoint(text), endpoint, text);
  t.same(endpointOf({ endpoint: { host: 'h' } }), { host: 'h', port: 8883 });
  t.same(endpointOf({ endpoint: { host: 'h' }, port: 443 }), { host: 'h', port: 443 });
  t.same(endpointOf({ endpoint: { host: 'h', port: 7 } }), { host: 'h', port: 7 });
});

void t.test('the endpoint of an account, China included', async (t) => {
  const rows: [prefix: string, region: string, host: string][] = [
    ['abc', 'eu-west-1', 'abc-ats.iot.eu-west-1.amazonaws.com'],
    ['abc-ats', 'eu-west-1', 'abc-ats.iot.eu-west-1.amazonaws.com'],
    ['abc', 'cn-north-1', 'abc.ats.iot.cn-north-1.amazonaws.com.cn'],
    ['abc-ats', 'cn-north-1', 'abc.ats.iot.cn-north-1.amazonaws.com.cn'],
    ['abc.ats', 'cn-north-1', 'abc.ats.iot.cn-north-1.amazonaws.com.cn'],
    ['abc-ats', 'cn-northwest-1', 'abc-ats.iot.cn-northwest-1.amazonaws.com.cn'],
    ['abc', 'us-gov-west-1', 'abc-ats.iot.us-gov-west-1.amazonaws.com'],
  ];
  for (const [prefix, region, host] of rows) t.equal(dataEndpoint(prefix, region), host);
});

void t.test('roots: the own ones, the Amazon ones, or those of Node', async (t) => {
  const names = amazonRoots().map((pem) => /CN=(.*)/.exec(new X509Certificate(pem).subject)?.[1]);
  t.same(names.sort(), ['Amazon Root CA 1', 'Amazon Root CA 2', 'Amazon Root CA 3', 'Amazon Root CA 4', 'Starfield Services Root Certificate Authority - G2']);
  t.same(trustedRoots({ endpoint: { host: 'x.amazonaws.com' }, caCertificate: 'mine' }), ['mine']);
  t.equal(trustedRoots({ accountPrefix: 'a', region: 'eu-west-1' }), amazonRoots());
  t.equal(trustedRoots({ accountPrefix: 'a', region: 'cn-north-1' }), amazonRoots());
  t.equal(trustedRoots({ endpoint: { host: 'localhost' } }), undefined);
  t.equal(trustedRoots({ endpoint: { host: 'amazonaws.com.example.org' } }), undefined);
  const others = rootCertificates.filter((pem) => !new X509Certificate(pem).subject.includes('Amazon'));
  t.throws(() => amazonRoots(others), /this Node has no Amazon root certificates/);
});

void t.test('names', async (t) => {
  t.equal(environmentName(['outbox', 'parkedMaxBytes']), 'LPWAN_OUTBOX_PARKED_MAX_BYTES');
  t.equal(environmentName(['ingress', 'tls', 'privateKey_file']), 'LPWAN_INGRESS_TLS_PRIVATE_KEY_FILE');
  t.equal(pathText(['connections', 0, 'configuration', 'x']), 'connections[0].configuration.x');
  t.equal(nearestName('data_dir', ['dataDir', 'ingress']), 'dataDir');
  t.equal(nearestName('colour', ['dataDir', 'ingress']), undefined);
  t.equal(nearestName('x', []), undefined);
  t.equal(didYouMean('Port', ['port']), '; did you mean port?');
});
