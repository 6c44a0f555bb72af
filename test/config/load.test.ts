import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { endpointOf } from '../../src/config/endpoint.js';
import { loadConfig } from '../../src/config/load.js';
import { proofOf } from '../../src/config/network-server.js';
import { problemLine } from '../../src/config/problem.js';
import { Secret } from '../../src/config/secret.js';
import { createTestCertificates } from '../support/certificates.js';
import { configFolder, connection, load, minimal, withSettings } from './config-folder.js';

const certificates = await createTestCertificates();

void t.test('the minimal configuration gets every default', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal });
  const { config, warnings, origin } = load(folder);
  t.equal(origin.file, join(folder, 'bridge.yaml'));
  t.same(warnings, []);
  const { networkServers, connections, ...rest } = config;
  t.same(rest, {
    dataDir: join(folder, 'data'),
    ingress: { host: '0.0.0.0', port: 8080, trustedProxies: [], bodyLimit: 1_048_576, maxConnections: 2_000 },
    private: { host: '127.0.0.1', port: 9090, authenticate: 'auto', openPaths: ['health', 'metrics'] },
    secrets: { previousKeys: [] },
    flows: [],
    outbox: { store: 'disk', maxBytes: 2e9, maxMessages: 10_000_000, dedupWindow: 7_200_000, parkedMaxBytes: 256e6 },
    downlinks: { dedupWindow: 60_000, maxWaiting: 100_000, reportWindow: 86_400_000 },
    shutdownTimeout: 10_000,
    log: { level: 'info' },
  });
  t.equal(networkServers[0]?.kind, 'chirpstack');
  const [only] = connections;
  if (only === undefined) throw new Error('there is no connection');
  const { certificate, privateKey, caCertificate, ...settings } = only.configuration;
  t.equal(only.active, true);
  t.equal(certificate, certificates.cert);
  t.equal(privateKey?.reveal(), certificates.key);
  t.equal(caCertificate, certificates.ca);
  t.same(settings, {
    endpoint: { host: 'localhost', port: 8883 },
    protocol: 'SSL',
    createDevices: true,
    registration: 'beside',
    things: { name: '{DevEUI}', attributes: {}, ownerAttribute: 'managedBy', owner: 'lpwan-bridge', takeOver: false, requestsPerSecond: 20 },
    sendMetadata: false,
    sendRawDecodedFormat: false,
    expiredUplinks: 'drop',
    uplinkTopicPattern: 'tpx/things/{DevEUI}/uplink',
    downlinkTopicPattern: 'tpx/things/{DevEUI}/downlink',
    topicPatterns: {},
    downlinkEnabled: true,
    downlinksPerSecond: 100,
    downlinkValidity: 86_400_000,
    payloadFormat: 'normalised',
    mqttVersion: '5',
    clientIdPrefix: 'lpwan-bridge',
    maxClients: 10,
    publishesPerSecondPerClient: 100,
    bytesPerSecondPerClient: 524_288,
    publishesPerSecond: 2_000,
    inFlightPerClient: 100,
    publishTimeout: 10_000,
    connectTimeout: 20_000,
    keepAlive: 60_000,
    reconnect: { min: 1_000, max: 20_000 },
    idleTimeout: 30_000,
  });
});

void t.test('actility-aws-iot has the defaults of ThingPark X', async (t) => {
  const folder = configFolder(t, certificates);
  const format = (yaml: string): string | undefined => {
    writeFileSync(join(folder, 'bridge.yaml'), yaml);
    return load(folder).config.connections[0]?.configuration.payloadFormat;
  };
  t.equal(format(minimal.replace('aws-iot', 'actility-aws-iot')), 'original');
  t.equal(format(withSettings('payloadFormat: decoded').replace('aws-iot', 'actility-aws-iot')), 'decoded');
});

void t.test('a JSON file is a YAML file, and keys without a value count as absent', async (t) => {
  const folder = configFolder(t, certificates);
  const json = {
    ingress: null, log: { level: null },
    networkServers: [{ id: 'a', kind: 'sigfox', authenticate: 'none', fields: { data: 'payload' }, downlink: null }],
    connections: [{ id: 'm', connectorId: 'aws-iot', configuration: { accountPrefix: 'abc-ats', region: 'eu-west-1', certificate: certificates.cert, privateKey: certificates.key } }],
  };
  writeFileSync(join(folder, 'bridge.yaml'), JSON.stringify(json));
  const { config, warnings } = load(folder);
  t.equal(config.ingress.port, 8080);
  t.same(config.networkServers[0]?.fields, { data: 'payload' });
  t.equal(config.connections[0]?.configuration.caCertificate, undefined);
  t.same(endpointOf(config.connections[0]?.configuration ?? {}), { host: 'abc-ats.iot.eu-west-1.amazonaws.com', port: 8883 });
  t.same(warnings.map(problemLine), ['networkServers[0].authenticate: anybody who reaches the listener is believed']);
});

void t.test('variables in values', async (t) => {
  const folder = configFolder(t, certificates);
  writeFileSync(join(folder, 'bridge.yaml'), `dataDir: "\${ROOT}/\${SUB:-sub}\${EMPTY:-}-$\${x}"\ningress: { port: "\${PORT}", host: "\${HOST:-127.0.0.1}" }\n${minimal.replace('marker-bearer', '${TOKEN}')}`);
  const { config } = load(folder, { ROOT: '/tmp/lpwan', PORT: '0', HOST: '', EMPTY: 'full', TOKEN: 'a$b${ROOT}' });
  t.equal(config.dataDir, '/tmp/lpwan/subfull-${x}');
  t.match(config.ingress, { port: 0, host: '127.0.0.1' });
  t.same(proofOf(config.networkServers[0]?.authenticate ?? {}), { kind: 'bearer', token: 'a$b${ROOT}' }, 'what a variable holds is not read again');
});

void t.test('the environment wins over the file', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': `dataDir: here\ningress: { port: 1, bodyLimit: 2KB }\nlog:\n${minimal}` });
  const { config } = load(folder, {
    LPWAN_DATA_DIR: './there', LPWAN_INGRESS_PORT: '0', LPWAN_PRIVATE_HOST: '::1', LPWAN_LOG_LEVEL: 'debug', LPWAN_OUTBOX_PARKED_MAX_BYTES: '5MB', LPWAN_SHUTDOWN_TIMEOUT: '',
    LPWAN_INGRESS_TLS_CERTIFICATE_FILE: 'certs/bridge.pem', LPWAN_INGRESS_TLS_PRIVATE_KEY: certificates.key, PATH: '/bin',
  });
  t.match(config, { dataDir: join(folder, 'there'), ingress: { port: 0, bodyLimit: 2_000 }, private: { host: '::1', port: 9090 }, log: { level: 'debug' }, outbox: { parkedMaxBytes: 5e6 }, shutdownTimeout: 10_000 });
  t.equal(config.ingress.tls?.certificate, certificates.cert);
  t.equal(config.ingress.tls?.privateKey.reveal(), certificates.key);
});

void t.test('REDIS_URL and LPWAN_REDIS_URL turn Redis on, the longer name first; the address shows nowhere', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal });
  const url = (env: Readonly<Record<string, string>>): string | undefined => load(folder, env).config.redis?.url.reveal();
  t.equal(url({}), undefined);
  t.equal(url({ REDIS_URL: '' }), undefined);
  t.equal(url({ REDIS_URL: 'redis://u:marker@localhost:6379' }), 'redis://u:marker@localhost:6379');
  t.equal(url({ REDIS_URL: 'redis://a', LPWAN_REDIS_URL: 'rediss://b' }), 'rediss://b');
  t.notMatch(JSON.stringify(load(folder, { REDIS_URL: 'redis://u:marker@localhost' }).config), /marker/);
});

void t.test('Sentinels and nodes of a cluster from the environment', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal });
  const sentinels = { REDIS_URL: 'redis://u:marker@mymaster', LPWAN_REDIS_SENTINEL_ADDRESSES: 'one:26379, [::1]:26380', LPWAN_REDIS_SENTINEL_PASSWORD: 'marker', LPWAN_REDIS_SENTINEL_TLS: 'true' };
  const { redis } = load(folder, sentinels).config;
  t.match(redis, { sentinel: { addresses: [{ host: 'one', port: 26379 }, { host: '::1', port: 26380 }], tls: true } });
  t.equal(redis?.sentinel?.password?.reveal(), 'marker');
  t.notMatch(JSON.stringify(redis), /marker/);
  t.match(load(folder, { REDIS_URL: 'redis://a', LPWAN_REDIS_CLUSTER: 'b:7001' }).config.redis, { cluster: [{ host: 'b', port: 7001 }], sentinel: undefined });
});

void t.test('keys and open paths from the environment', async (t) => {
  const [key, old, older] = ['ab'.repeat(32), Buffer.alloc(32, 7).toString('base64'), Buffer.alloc(32, 9).toString('base64url')];
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal, 'old.keys': `${old}\n${older}\n` });
  const { config } = load(folder, { LPWAN_SECRETS_KEY: key, LPWAN_SECRETS_PREVIOUS_KEYS: `${old}, ${older}`, LPWAN_PRIVATE_AUTHENTICATE: 'always', LPWAN_PRIVATE_OPEN_PATHS: 'metrics' });
  t.equal(config.secrets.key?.reveal(), key);
  t.same(config.secrets.previousKeys.map((one) => one.reveal()), [old, older]);
  t.match(config.private, { authenticate: 'always', openPaths: ['metrics'] });
  t.same(load(folder, { LPWAN_SECRETS_PREVIOUS_KEYS_FILE: 'old.keys' }).config.secrets.previousKeys.map((one) => one.reveal()), [old, older]);
  t.same(load(folder, { LPWAN_PRIVATE_OPEN_PATHS: 'none' }).config.private.openPaths, []);
  t.same(load(folder, { LPWAN_PRIVATE_OPEN_PATHS: 'metrics, health' }).config.private.openPaths, ['health', 'metrics']);
});

void t.test('HTTPS of the private listener', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': `private: { tls: { certificate_file: certs/ending.pem, privateKey_file: certs/bridge.key } }\n${minimal}` });
  const { config, warnings } = load(folder);
  t.equal(config.private.tls?.privateKey.reveal(), certificates.key);
  t.match(warnings.map(problemLine), [/^private\.tls\.certificate: expires on /]);
});

void t.test('the environment replaces a value that the file names a file for', async (t) => {
  const tls = 'ingress: { tls: { certificate_file: certs/none.pem, privateKey_file: certs/bridge.key } }\n';
  const folder = configFolder(t, certificates, { 'bridge.yaml': `${tls}${minimal}` });
  t.equal(load(folder, { LPWAN_INGRESS_TLS_CERTIFICATE: certificates.cert }).config.ingress.tls?.certificate, certificates.cert);
});

void t.test('secrets from files lose their line end, relative to the configuration file', async (t) => {
  const folder = configFolder(t, certificates, { secrets: '', 'token.txt': ' s3cret \r\n', 'bridge.yaml': minimal.replace('bearer: "marker-bearer"', 'bearer_file: token.txt') });
  const { config } = loadConfig({ file: 'bridge.yaml', env: {}, cwd: folder });
  t.same(proofOf(config.networkServers[0]?.authenticate ?? {}), { kind: 'bearer', token: ' s3cret ' });
});

void t.test('every way of proof', async (t) => {
  const folder = configFolder(t, certificates);
  const rows: [string, object][] = [
    ['none', { kind: 'none' }],
    ['{ none: true, sources: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7] }', { kind: 'none' }],
    ['{ header: { name: X-Api-Key, value: v } }', { kind: 'header', name: 'X-Api-Key', value: 'v' }],
    ['{ basic: { username: u, password: "p:q" } }', { kind: 'basic', username: 'u', password: 'p:q' }],
    ['{ bearer: t }', { kind: 'bearer', token: 't' }],
    ['{ token: { key: k } }', { kind: 'token', key: 'k', strict: true }],
    ['{ token: { key: k, asId: TPX.1, strict: false } }', { kind: 'token', key: 'k', asId: 'TPX.1', strict: false }],
  ];
  for (const [text, proof] of rows) {
    writeFileSync(join(folder, 'bridge.yaml'), `networkServers:\n  - { id: a, kind: thingpark, authenticate: ${text} }\n${connection}`);
    t.same(proofOf(load(folder).config.networkServers[0]?.authenticate ?? {}), proof, text);
  }
});

void t.test('warnings', async (t) => {
  const folder = configFolder(t, certificates);
  writeFileSync(join(folder, 'bridge.yaml'), withSettings('uplinkTopicPattern: "a/{FPort}"', 'topicPatterns: { join: a/join, location: "a/{FPort|\'0\'}", status: a/s, alarm: "a/x/{FPort}" }').replace('bridge.pem', 'ending.pem'));
  const lines = load(folder).warnings.map(problemLine);
  t.match(lines[0], /^connections\[0\]\.configuration\.certificate: expires on .*, in less than 30 days$/);
  t.same(lines.slice(1), ["connections[0].configuration.topicPatterns.alarm: {FPort} has no value in alarm messages, so they would all be parked; set this pattern, or write a fallback such as {FPort|'none'}"]);
});

void t.test('a CA bundle may hold expired certificates beside others; a pair with a preamble is read', async (t) => {
  const folder = configFolder(t, certificates, { 'key.txt': `Bag Attributes\n    x: y\n${certificates.key}`, 'bridge.yaml': minimal.replace('ca.pem', 'bundle.pem').replace('certs/bridge.key', 'key.txt') });
  t.ok(load(folder).config.connections[0]?.configuration.privateKey instanceof Secret);
});

void t.test('a loaded configuration shows no secret', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal });
  const { config } = load(folder);
  t.notMatch(JSON.stringify(config), 'marker-bearer');
  t.notMatch(JSON.stringify(config), 'PRIVATE KEY');
});
