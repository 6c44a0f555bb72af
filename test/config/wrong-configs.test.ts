import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createTestCertificates } from '../support/certificates.js';
import { testDir } from '../support/test-dir.js';
import { checkWrongConfigs, configFolder, connection, minimal, networkServer, problemsOf, withSettings, type WrongConfig as Row } from './config-folder.js';

const settings = 'connections[0].configuration';
const server = (body: string): string => `networkServers:\n  - ${body}\n${connection}`;
const proof = (text: string): string => server(`{ id: a, kind: chirpstack, authenticate: ${text} }`);
const without = (line: string): string => minimal.split('\n').filter((one) => !one.includes(line)).join('\n');

const shape: Row[] = [
  { name: 'empty, which is enough: everything else can come through the API', yaml: '', problems: [] },
  { name: 'no mapping', yaml: '- a\n- b\n', problems: ['file: must be a mapping of keys to values'] },
  { name: 'text alone', yaml: 'hello', problems: ['file: must be a mapping of keys to values'] },
  { name: 'lists that are none', yaml: 'networkServers: {}\nconnections: x\nflows: 1\n', problems: ['networkServers: must be a list', 'connections: must be a list', 'flows: must be a list'] },
  { name: 'empty lists', yaml: 'networkServers: []\nconnections: []\nflows: []\n', problems: [] },
  { name: 'entries that are no mappings', yaml: 'networkServers: [1, ~]\nconnections: [[]]\n', problems: ['networkServers[0]: must be a mapping of keys to values', 'networkServers[1]: must be a mapping of keys to values', 'connections[0]: must be a mapping of keys to values'] },
  { name: 'empty entries', yaml: 'networkServers: [{}]\nconnections: [{}]\n', problems: ['networkServers[0].id: is required', 'networkServers[0].kind: is required', 'networkServers[0].authenticate: needs one of header, basic, bearer, token; write `authenticate: none` to go without', 'connections[0].id: is required', 'connections[0].connectorId: is required', 'connections[0].configuration: is required'] },
  { name: 'unknown keys, near and far', yaml: `ingres: {}\n${minimal}colour: red\nprivate: { Host: a, prot: 1 }\n`, problems: ['ingres: unknown key; did you mean ingress?', 'colour: unknown key', 'private.Host: unknown key; did you mean host?', 'private.prot: unknown key'] },
  { name: 'unknown keys in a list', yaml: withSettings('maxClient: 3', 'colour: red'), problems: [`${settings}.maxClient: unknown key; did you mean maxClients?`, `${settings}.colour: unknown key`] },
  { name: '__proto__', yaml: `${minimal}__proto__: { port: 1 }\n`, problems: ['__proto__: unknown key'] },
  { name: 'wrong types all at once', yaml: `dataDir: 7\ningress: { port: high, bodyLimit: lots }\nprivate: 5\noutbox: { dedupWindow: 2, maxBytes: [] }\nlog: { level: loud }\nshutdownTimeout: 10\n${minimal}`, problems: ['dataDir: must be text: put it in quotes', 'ingress.port: must be a whole number from 0 to 65535', 'ingress.bodyLimit: must be a size such as 512KiB, 256MB or 2GB', 'private: must be a mapping of keys to values', 'outbox.maxBytes: must be a size such as 512KiB, 256MB or 2GB', 'outbox.dedupWindow: must be a duration with its unit, such as 500ms, 10s, 5m or 2h', 'shutdownTimeout: must be a duration with its unit, such as 500ms, 10s, 5m or 2h', 'log.level: must be one of fatal, error, warn, info, debug, trace, silent'] },
  { name: 'out of range', yaml: `ingress: { port: 65536, host: "" }\nshutdownTimeout: 1h\noutbox: { maxBytes: 1KB }\n${minimal}`, problems: ['ingress.host: must not be empty', 'ingress.port: must be a whole number from 0 to 65535', 'outbox.maxBytes: must be from 1MB to 1TB', 'shutdownTimeout: must be from 100ms to 10m'] },
  { name: 'trusted proxies', yaml: `ingress: { trustedProxies: [10.0.0.0/8, 10.0.0.0/33] }\n${minimal}`, problems: ['ingress.trustedProxies: entry 2 must be an address or a network such as 192.0.2.0/24'] },
  { name: 'trusted proxies as text', yaml: `ingress: { trustedProxies: 10.0.0.0/8 }\n${minimal}`, problems: ['ingress.trustedProxies: must be a list of networks'] },
];

const yamlSyntax: Row[] = [
  { name: 'a bracket left open', yaml: 'ingress: { port: 1\n', problems: ['line 2, column 1: Flow map in block collection must be sufficiently indented and end with a }'] },
  { name: 'a duplicate key', yaml: 'dataDir: a\ndataDir: b\n', problems: ['line 2, column 1: Map keys must be unique'] },
  { name: 'a tab as indentation', yaml: 'ingress:\n\tport: 1\n', problems: ['line 2, column 1: Tabs are not allowed as indentation'] },
  { name: 'two documents', yaml: 'dataDir: a\n---\ndataDir: b\n', problems: ['line 2, column 1: the file must hold one YAML document'] },
  { name: 'an unknown tag', yaml: 'dataDir: !secret x\n', problems: ['line 1, column 10: Unresolved tag'] },
  { name: 'an alias without its anchor', yaml: 'dataDir: *there\n', problems: ['file: Unresolved alias (the anchor must be set before the alias)'] },
];

const servers: Row[] = [
  { name: 'ids', yaml: `networkServers:\n  - { id: -a, kind: sigfox, authenticate: none }\n  - { id: ${'x'.repeat(33)}, kind: sigfox, authenticate: none }\n  - { id: a/b, kind: sigfox, authenticate: none }\n${connection}`, problems: [0, 1, 2].map((index) => `networkServers[${index}].id: must be 1 to 32 letters, digits and dashes, no dash first`) },
  { name: 'ids taken', yaml: `networkServers:\n  - { id: a, kind: sigfox, authenticate: none }\n  - { id: A, kind: sigfox, authenticate: none }\n${connection}`, problems: ['networkServers[1].id: is taken by networkServers[0] (upper and lower case count as the same)'] },
  { name: 'kind', yaml: server('{ id: a, kind: loriot, authenticate: none }'), problems: ['networkServers[0].kind: must be one of thingpark, the-things-stack, chirpstack, sigfox'] },
  { name: 'no proof at all', yaml: server('{ id: a, kind: chirpstack }'), problems: ['networkServers[0].authenticate: needs one of header, basic, bearer, token; write `authenticate: none` to go without'] },
  { name: 'no way of proof', yaml: proof('{ sources: [10.0.0.1] }'), problems: ['networkServers[0].authenticate: needs one of header, basic, bearer, token; write `authenticate: none` to go without'] },
  { name: 'two ways of proof', yaml: proof('{ bearer: x, basic: { username: a, password: b } }'), problems: ['networkServers[0].authenticate: takes one way of proof, not basic and bearer'] },
  { name: 'none and another', yaml: proof('{ none: true, bearer: x }'), problems: ['networkServers[0].authenticate: takes one way of proof, not none and bearer'] },
  { name: 'none that is false', yaml: proof('{ none: false }'), problems: ['networkServers[0].authenticate.none: must be true; leave it out otherwise'] },
  { name: 'another text', yaml: proof('nobody'), problems: ['networkServers[0].authenticate: must be a mapping of keys to values'] },
  { name: 'a header without its value', yaml: proof('{ header: { name: "x y" } }'), problems: ['networkServers[0].authenticate.header.name: must be the name of an HTTP header', 'networkServers[0].authenticate.header.value: is required, or its _file'] },
  { name: 'a numeric secret', yaml: proof('{ header: { name: x, value: 1234 } }'), problems: ['networkServers[0].authenticate.header.value: must be text: put it in quotes'] },
  { name: 'an empty secret', yaml: proof('{ bearer: "" }'), problems: ['networkServers[0].authenticate.bearer: must not be empty'] },
  { name: 'a colon in the user name', yaml: proof('{ basic: { username: "a:b", password: c } }'), problems: ['networkServers[0].authenticate.basic.username: must be a user name without a colon'] },
  { name: 'sources', yaml: proof('{ none: true, sources: [example.org] }'), problems: ['networkServers[0].authenticate.sources: entry 1 must be an address or a network such as 192.0.2.0/24'] },
  { name: 'keys of another kind', yaml: server('{ id: a, kind: chirpstack, authenticate: { token: { key: k } }, fields: { data: d }, batchPattern: x }'), problems: ['networkServers[0].fields: is for kind sigfox only', 'networkServers[0].batchPattern: is for kind sigfox only', 'networkServers[0].authenticate.token: is for kind thingpark only'] },
  { name: 'sigfox fields', yaml: server('{ id: a, kind: sigfox, authenticate: none, fields: { data: 1 } }'), problems: ['networkServers[0].fields: must map each variable to the name of a key'] },
  { name: 'downlink address', yaml: server('{ id: a, kind: chirpstack, authenticate: none, downlink: { url: "localhost:8090" } }'), problems: ['networkServers[0].downlink.url: must be a URL of http or https'] },
  { name: 'credentials in an address', yaml: server('{ id: a, kind: chirpstack, authenticate: none, downlink: { url: "http://u:p@host" } }'), problems: ['networkServers[0].downlink.url: must not hold credentials; use apiToken'] },
  { name: 'a downlink API without address', yaml: server('{ id: a, kind: thingpark, authenticate: none, downlink: { asId: TPX.1, apiToken: t } }'), problems: ['networkServers[0].downlink.asKey: is required with asId', 'networkServers[0].downlink.url: is required', 'networkServers[0].downlink.apiToken: is not for kind thingpark; use asId and asKey'] },
  { name: 'downlink keys of another kind', yaml: server('{ id: a, kind: sigfox, authenticate: none, downlink: { url: "http://localhost", api: v4, mailbox: oldest } }'), problems: ['networkServers[0].downlink.api: is for kind chirpstack only', 'networkServers[0].downlink.url: is not for kind sigfox, whose downlinks are the answers to its callbacks'] },
  { name: 'where downlinks of The Things Stack go', yaml: server('{ id: a, kind: the-things-stack, authenticate: none, downlink: { attempts: 3 } }'), problems: ['networkServers[0].downlink.url: is required, or allowedHosts to take the address from the webhooks'] },
  { name: 'a webhook id', yaml: server('{ id: a, kind: the-things-stack, authenticate: none, downlink: { url: "https://localhost/api/v3" } }'), problems: ['networkServers[0].downlink.webhookId: is required with url'] },
  { name: 'hosts', yaml: server('{ id: a, kind: the-things-stack, authenticate: none, downlink: { allowedHosts: ["https://host"] } }'), problems: ['networkServers[0].downlink.allowedHosts: entry 1 must be a host name, with its port where it has one'] },
  { name: 'downlink values', yaml: server('{ id: a, kind: chirpstack, authenticate: none, downlink: { url: "http://localhost", api: v5, attempts: 0, backoff: { min: 2s, max: 1s }, onUnknown: maybe, proxy: localhost } }'), problems: ['networkServers[0].downlink.api: must be one of v3, v4', 'networkServers[0].downlink.attempts: must be a whole number from 1 to 1000', 'networkServers[0].downlink.onUnknown: must be one of retry, fail', 'networkServers[0].downlink.proxy: must be a URL of http or https', 'networkServers[0].downlink.backoff.min: is longer than max'] },
];

const connections: Row[] = [
  { name: 'two of them', yaml: `${minimal}${connection.replace('connections:\n', '').replace('main', 'second')}`, problems: ["flows: needs at least one entry with two or more connections, so that no customer's data reaches another"] },
  { name: 'connector', yaml: minimal.replace('aws-iot', 'azure'), problems: ['connections[0].connectorId: must be one of aws-iot, actility-aws-iot'] },
  { name: 'no endpoint', yaml: without('endpoint'), problems: [`${settings}.endpoint: is required, or accountPrefix and region`] },
  { name: 'an address for an endpoint', yaml: minimal.replace('localhost:8883', 'https://x.amazonaws.com/'), problems: [`${settings}.endpoint: must be host or host:port, without https:// or a path`] },
  { name: 'endpoint and prefix: the endpoint wins', yaml: withSettings('accountPrefix: abc-ats', 'region: eu-west-1'), problems: [] },
  { name: 'prefix alone', yaml: without('endpoint').replace('configuration:', 'configuration:\n      accountPrefix: abc-ats'), problems: [`${settings}.region: is required with accountPrefix`] },
  { name: 'prefix and region', yaml: without('endpoint').replace('configuration:', 'configuration:\n      accountPrefix: a.b\n      region: Ireland'), problems: [`${settings}.accountPrefix: must be the first label of the endpoint`, `${settings}.region: must be a region such as eu-west-1`] },
  { name: 'ports', yaml: withSettings('port: 1883'), problems: [`${settings}.port: must be 8883 or 443; any other port is written in endpoint`] },
  { name: 'two ports', yaml: withSettings('port: 443'), problems: [`${settings}.port: differs from the port 8883 of endpoint`] },
  { name: 'pool and pace', yaml: withSettings('maxClients: 11', 'inFlightPerClient: 0', 'publishesPerSecond: -1', 'publishTimeout: soon', 'reconnect: { min: 30s }', 'mqttVersion: 4', 'payloadFormat: xml', 'clientIdPrefix: "a/b"'), problems: [`${settings}.payloadFormat: must be one of normalised, original, decoded`, `${settings}.mqttVersion: must be one of 5, 3.1.1`, `${settings}.clientIdPrefix: must be 1 to 64 letters, digits, dashes and underscores`, `${settings}.maxClients: must be a whole number from 1 to 10`, `${settings}.publishesPerSecond: must be a whole number from 0 to 100000`, `${settings}.inFlightPerClient: must be a whole number from 1 to 100`, `${settings}.publishTimeout: must be a duration with its unit, such as 500ms, 10s, 5m or 2h`, `${settings}.reconnect.min: is longer than max`] },
  { name: 'access key', yaml: withSettings('accessKeyId: A'), problems: [`${settings}.secretAccessKey: is required with accessKeyId`] },
  { name: 'ARN and thing type', yaml: withSettings('certificateId: arn:x', 'deviceType: "a b"'), problems: [`${settings}.certificateId: must be the ARN of a certificate`, `${settings}.deviceType: must be 1 to 128 letters, digits, colons, dashes and underscores`] },
  { name: 'ARN of another certificate', yaml: withSettings(`certificateId: arn:aws:iot:eu-west-1:123456789012:cert/${'0'.repeat(64)}`), problems: [`${settings}.certificateId: is the id of another certificate`] },
];

const topics: Row[] = [
  { name: 'patterns', yaml: withSettings('uplinkTopicPattern: "a/+/{DevEUI}"', 'downlinkTopicPattern: $aws/rules/r/x', 'topicPatterns: { join: "{deveui}", downlink_status: x }'), problems: [`${settings}.topicPatterns.downlink_status: unknown key; did you mean downlink-status?`, `${settings}.uplinkTopicPattern: at character 3: the wildcard + cannot stand in a topic pattern`, `${settings}.downlinkTopicPattern: a topic under $aws/rules cannot be subscribed to`, `${settings}.topicPatterns.join: at character 2: unknown keyword {deveui}; did you mean {DevEUI}?`] },
  { name: 'depth of derived patterns', yaml: withSettings('uplinkTopicPattern: a/b/c/d/e/f/g/uplink'), problems: [`${settings}.uplinkTopicPattern: the pattern a/b/c/d/e/f/g/downlink/status made for downlink-status messages has 9 levels, AWS takes 8`] },
  { name: 'downlinks', yaml: withSettings('downlinkNetworkServer: nowhere', 'downlinkPort: 224', 'downlinksPerSecond: 0', 'downlinkValidity: 60'), problems: [`${settings}.downlinksPerSecond: must be a whole number from 1 to 10000`, `${settings}.downlinkPort: must be a whole number from 1 to 223`, `${settings}.downlinkValidity: must be a duration with its unit, such as 500ms, 10s, 5m or 2h`, `${settings}.downlinkNetworkServer: is no network server of this file`] },
  { name: 'Redis', yaml: `redis: { url: "http://localhost" }\n${minimal}`, problems: ['redis.url: must be a URL of redis or rediss'] },
  { name: 'Sentinels', yaml: `redis: { url: "redis://u:p@mymaster:6379", sentinel: { addresses: [a:26379, b], tls: maybe } }\n${minimal}`, problems: ['redis.sentinel.addresses: entry 2 must be host:port', 'redis.sentinel.tls: must be true or false', 'redis.url: must not have a port with sentinel: its host is the name of the primary, such as redis://mymaster'] },
  { name: 'no Sentinel, and one without its port', yaml: `redis: { url: "redis://mymaster", sentinel: { addresses: [] } }\n${minimal}`, env: { LPWAN_REDIS_CLUSTER: 'a:0' }, problems: ['redis.sentinel.addresses: must be a list of host:port, or one text with commas between them', 'redis.cluster: entry 1 must be host:port', 'redis.cluster: cannot stand beside sentinel: a Redis Cluster fails over by itself'] },
  { name: 'a database of a cluster', yaml: `redis: { url: "redis://a/1", cluster: ["[::1]:7000", "x y:1", "b:70000"] }\n${minimal}`, problems: ['redis.cluster: entry 2 must be host:port', 'redis.url: must not name a database with cluster: a Redis Cluster has only one'] },
  { name: 'a loop', yaml: withSettings('downlinkTopicPattern: tpx/things/{DevEUI}/{type}'), problems: [`${settings}.downlinkTopicPattern: takes topics of the pattern tpx/things/{DevEUI}/uplink as well: the bridge would read its own messages`] },
];

const pem = (name: string, file: string): string => minimal.replace(new RegExp(`${name}_file: .*`), `${name}_file: certs/${file}`);

const certificateRows: Row[] = [
  { name: 'missing', yaml: without('certificate_file: certs/bridge').replace('      privateKey_file: certs/bridge.key\n', ''), problems: [`${settings}.certificate: is required, or its _file`, `${settings}.privateKey: is required, or its _file`] },
  { name: 'a key of another pair', yaml: pem('privateKey', 'other.key'), problems: [`${settings}.privateKey: does not belong to the certificate`] },
  { name: 'an encrypted key', yaml: pem('privateKey', 'encrypted.key'), problems: [`${settings}.privateKey: is encrypted; the bridge needs the key without a passphrase`] },
  { name: 'a certificate for a key', yaml: pem('privateKey', 'bridge.pem'), problems: [`${settings}.privateKey: is a certificate, not a private key`] },
  { name: 'a public key for a key', yaml: pem('privateKey', 'public.pem'), problems: [`${settings}.privateKey: is a public key, not a private key`] },
  { name: 'a damaged key', yaml: pem('privateKey', 'damaged.key'), problems: [`${settings}.privateKey: is damaged: the PEM private key cannot be read`] },
  { name: 'text for a key', yaml: pem('privateKey', 'text.pem'), problems: [`${settings}.privateKey: must be a private key in PEM (-----BEGIN PRIVATE KEY-----)`] },
  { name: 'a key for a certificate', yaml: pem('certificate', 'bridge.key'), problems: [`${settings}.certificate: is a private key, not a certificate`] },
  { name: 'a damaged certificate', yaml: pem('certificate', 'damaged.pem'), problems: [`${settings}.certificate: is damaged: the PEM certificate cannot be read`] },
  { name: 'text for a certificate', yaml: pem('certificate', 'text.pem'), problems: [`${settings}.certificate: must be a certificate in PEM (-----BEGIN CERTIFICATE-----)`] },
  { name: 'an expired CA', yaml: pem('caCertificate', 'expired-ca.pem'), problems: [`${settings}.caCertificate: holds only expired certificates`] },
  { name: 'a key for a CA', yaml: pem('caCertificate', 'bridge.key'), problems: [`${settings}.caCertificate: is a private key, not a certificate`] },
  { name: 'half a pair for the ingress', yaml: `ingress: { tls: { certificate_file: certs/bridge.pem } }\n${minimal}`, problems: ['ingress.tls.privateKey: is required, or its _file'] },
  { name: 'a wrong pair for the ingress', yaml: `ingress: { tls: { certificate_file: certs/bridge.pem, privateKey_file: certs/other.key } }\n${minimal}`, problems: ['ingress.tls.privateKey: does not belong to the certificate'] },
];

const variables: Row[] = [
  { name: 'not set', yaml: `dataDir: "\${DIR}"\n${proof('{ bearer: "${TOKEN}-${OTHER}" }')}`, env: { OTHER: 'x' }, problems: ['dataDir: environment variable DIR is not set', 'networkServers[0].authenticate.bearer: environment variable TOKEN is not set'] },
  { name: 'not closed', yaml: `dataDir: "a\${DIR"\n${minimal}`, problems: ['dataDir: ${ must be followed by the name of a variable and }; write $${ for the characters themselves'] },
  { name: 'set but empty', yaml: proof('{ bearer: "${TOKEN}" }'), env: { TOKEN: '' }, problems: ['networkServers[0].authenticate.bearer: must not be empty'] },
  { name: 'unknown in the environment', yaml: minimal, env: { LPWAN_INGRES_PORT: '1', LPWAN_CONNECTIONS: 'x', OTHER: 'x' }, problems: ['LPWAN_INGRES_PORT: no such setting; did you mean LPWAN_INGRESS_PORT?', 'LPWAN_CONNECTIONS: no such setting'] },
  { name: 'wrong in the environment', yaml: minimal, env: { LPWAN_INGRESS_PORT: 'x', LPWAN_LOG_LEVEL: 'loud' }, problems: ['ingress.port: must be a whole number from 0 to 65535', 'log.level: must be one of fatal, error, warn, info, debug, trace, silent'] },
];

const tables = { shape, 'YAML syntax': yamlSyntax, 'network servers': servers, connections, topics, certificates: certificateRows, variables };

const certificates = await createTestCertificates();

for (const [table, rows] of Object.entries(tables)) {
  void t.test(table, async (t) => checkWrongConfigs(t, certificates, rows));
}

void t.test('the minimal configuration that the rows change is valid', async (t) => {
  t.same(problemsOf(configFolder(t, certificates, { 'bridge.yaml': `${networkServer}${connection}` })), []);
});

void t.test('certificates that are out of their time', async (t) => {
  const folder = configFolder(t, certificates);
  const rows: [file: string, problem: RegExp][] = [
    ['expired.pem', /^connections\[0\]\.configuration\.certificate: expired on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
    ['future.pem', /^connections\[0\]\.configuration\.certificate: is not valid before \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
  ];
  for (const [file, problem] of rows) {
    writeFileSync(join(folder, 'bridge.yaml'), pem('certificate', file));
    t.match(problemsOf(folder).join('\n'), problem, file);
  }
});

void t.test('files that cannot be read are told once, with their name', async (t) => {
  const folder = configFolder(t, certificates);
  writeFileSync(join(folder, 'bridge.yaml'), `${proof('{ bearer_file: certs }')}`.replace('certs/bridge.key', 'certs/none.key'));
  t.same(problemsOf(folder), [
    `networkServers[0].authenticate.bearer_file: is a folder: ${join(folder, 'certs')}`,
    `${settings}.privateKey_file: the file does not exist: ${join(folder, 'certs/none.key')}`,
  ]);
  writeFileSync(join(folder, 'bridge.yaml'), proof('{ bearer: x, bearer_file: certs/text.pem }').replace('certs/bridge.key', '[1]'));
  t.same(problemsOf(folder), [
    'networkServers[0].authenticate.bearer: is given twice: as bearer and as bearer_file',
    `${settings}.privateKey_file: must be the name of a file`,
  ]);
});

void t.test('a file that is not there', async (t) => {
  const folder = testDir(t, {});
  t.same(problemsOf(folder), [`${join(folder, 'bridge.yaml')}: the file does not exist`]);
});

void t.test('no problem quotes what may be a secret', async (t) => {
  const folder = configFolder(t, certificates);
  const marker = 'hunter2-marker';
  const rows = [
    `networkServers: [{ id: ${marker}/, kind: ${marker}, authenticate: { header: { name: "${marker} x", value: [${marker}] } } }]\nlog: { level: ${marker} }\n`,
    `dataDir: "${marker}\n`,
    `key: !${marker} x\n`,
    `key: *${marker}\n`,
    `key: @${marker}\n`,
    `key: { a: "${marker}" "${marker}" }\n`,
    `a: ${marker}\n ${marker}: b\n`,
    `"${marker}`,
    `key: "\\${marker}"\n`,
    `- ${marker}\nkey: ${marker}\n`,
    `%${marker}\n---\na: b\n`,
    `key: |${marker}\n`,
    `key: &a ${marker} *a\n`,
  ];
  for (const yaml of rows) {
    writeFileSync(join(folder, 'bridge.yaml'), yaml);
    const problems = problemsOf(folder);
    t.not(problems.length, 0, `refused: ${JSON.stringify(yaml)}`);
    t.notMatch(problems.join('\n'), marker);
  }
});
