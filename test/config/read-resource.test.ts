import { createPrivateKey, X509Certificate } from 'node:crypto';
import t from 'tap';
import { certificateFingerprint, readCaBundle } from '../../src/config/certificates.js';
import { problemLine } from '../../src/config/problem.js';
import { readResource, type ReadOptions, type ResourceConfigs, type ResourceKind } from '../../src/config/read-resource.js';
import { createTestCertificates } from '../support/certificates.js';
import { thingParkConnection } from './thingpark-connection.js';

const certificates = await createTestCertificates();
const { cert, key } = certificates;
const posted = thingParkConnection(certificates);

const problemsOf = (kind: ResourceKind, document: unknown, options?: ReadOptions): string[] => readResource(kind, document, options).problems.map(problemLine);

const configOf = <K extends ResourceKind>(kind: K, document: unknown, options?: ReadOptions): ResourceConfigs[K] => {
  const reading = readResource(kind, document, options);
  if (!reading.ok) throw new Error(reading.problems.map(problemLine).join('\n'));
  return reading.config;
};

/** The posted connection with an id and some keys of its configuration changed. */
const connection = (changes: object = {}) => ({ id: 'main', ...posted, configuration: { ...posted.configuration, ...changes } });
const settings = (changes: object) => configOf('connection', connection(changes)).configuration;

void t.test('a connection of ThingPark X is read as it is', async (t) => {
  const certificateId = `arn:aws:iot:eu-west-1:123456789012:cert/${certificateFingerprint(new X509Certificate(cert))}`;
  const { configuration, ...rest } = configOf('connection', connection({ certificateId }));
  t.match(rest, { id: 'main', connectorId: 'actility-aws-iot', name: 'Test AWS Connection', active: true, alarms: [{ uplinkRateMinPerHour: 10, recurrence: [{ byDays: ['MO', 'TU', 'WE', 'TH', 'FR'] }] }] });
  t.match(configuration, { payloadFormat: 'original', uplinkTimeValidity: 300_000, downlinkPort: 1, reconnectStrategy: 'NORMAL', protocol: 'SSL', deviceType: 'lorawan-device', accountPrefix: 'a1b2c3d4e5f6g7-ats', certificateId });
  t.equal(configuration.privateKey?.reveal(), key);
  t.equal(configuration.downlinkAsKey?.reveal(), '00112233445566778899aabbccddeeff');
});

void t.test('a stand-in or a private link takes the place of the endpoints of the region', async (t) => {
  const standIn = { endpoint: 'localhost:8883', caCertificate: certificates.ca, registryEndpoint: 'http://127.0.0.1:4433' };
  t.match(settings(standIn), { ...standIn, endpoint: { host: 'localhost', port: 8883 }, accountPrefix: 'a1b2c3d4e5f6g7-ats', region: 'eu-west-1' });
});

void t.test('PEM texts may have lost their line ends', async (t) => {
  const forms: [name: string, form: (pem: string) => string][] = [
    ['line ends as backslash and n', (pem) => pem.replaceAll('\n', '\\n')],
    ['Windows line ends as backslashes', (pem) => pem.replaceAll('\n', '\\r\\n')],
    ['Windows line ends', (pem) => pem.replaceAll('\n', '\r\n')],
    ['one line with spaces', (pem) => pem.trim().replaceAll('\n', ' ')],
    ['one line with nothing', (pem) => pem.trim().replaceAll('\n', '')],
  ];
  for (const [name, form] of forms) {
    const { certificate = '', privateKey, caCertificate = '' } = settings({ certificate: form(cert), privateKey: form(key), caCertificate: form(`${certificates.ca}${certificates.ca}`) });
    t.equal(new X509Certificate(certificate).fingerprint256, new X509Certificate(cert).fingerprint256, name);
    t.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey?.reveal() ?? '')), name);
    t.equal(readCaBundle(caCertificate).length, 2, name);
    t.equal(caCertificate.match(/^-----BEGIN CERTIFICATE-----\r?$/gm)?.length, 2, `${name}: each on lines of its own, as OpenSSL wants them`);
  }
});

void t.test('what a form leaves empty and what is null counts as absent', async (t) => {
  t.match(settings({ description: '', deviceType: '', downlinkAsId: '', downlinkAsKey: '', downlinkPort: '', accessKeyId: null, secretAccessKey: null, reconnectStrategy: '', payloadFormat: '', uplinkTimeValidity: null }), { payloadFormat: 'original', createDevices: true });
  t.equal(settings({ downlinkPort: '7' }).downlinkPort, 7);
  t.same(configOf('connection', { ...connection(), name: '', alarms: null }).alarms, []);
  t.same(problemsOf('connection', connection({ certificate: '', privateKey: '' })), ['configuration.certificate: is required', 'configuration.privateKey: is required']);
  const strict = { ...connection({ description: '' }), connectorId: 'aws-iot' };
  t.same(problemsOf('connection', strict), ['configuration.description: must not be empty']);
});

void t.test('nothing is taken from the environment or from files', async (t) => {
  t.same(problemsOf('connection', connection({ certificate: undefined, certificate_file: '/etc/hostname', descripton: 'x' })), ['configuration.certificate_file: unknown key; only the configuration file may name files: give certificate itself', 'configuration.descripton: unknown key; did you mean description?', 'configuration.certificate: is required']);
  t.equal(settings({ secretAccessKey: '${HOME}' }).secretAccessKey?.reveal(), '${HOME}');
  t.same(problemsOf('network-server', { id: 'a', kind: 'chirpstack', authenticate: { header: { name: 'x' } } }), ['authenticate.header.value: is required']);
});

void t.test('documents of every kind that are wrong', async (t) => {
  for (const kind of ['connection', 'network-server', 'flow'] as const) {
    for (const body of [null, undefined, 'text', 7, []]) t.same(problemsOf(kind, body), ['body: must be a mapping of keys to values'].map((line) => (body === null || body === undefined ? line.replace('must be a mapping of keys to values', 'is required') : line)), `${kind} ${JSON.stringify(body)}`);
    t.ok(problemsOf(kind, {}).includes('id: is required'), kind);
  }
  t.same(problemsOf('connection', connection({ maxClients: 11, colour: 'red' })), ['configuration.colour: unknown key', 'configuration.maxClients: must be a whole number from 1 to 10']);
  t.same(problemsOf('flow', { id: 'f', connections: ['main'], matchers: [{}] }), ['matchers[0]: needs one of tags, devices, applications, fPorts, types']);
  t.equal(problemsOf('flow', Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key${index}`, 1]))).length, 102, 'not every unknown key is told');
  t.same(problemsOf('flow', JSON.parse('{"id":"f","connections":["main"],"__proto__":{"active":false}}')), ['__proto__: unknown key']);
});

void t.test('what has expired is refused, or told', async (t) => {
  for (const changes of [{ certificate: certificates.expired }, { certificate: certificates.future }, { caCertificate: certificates.expiredCa }]) {
    const document = connection(changes);
    const [path] = Object.keys(changes);
    t.match(problemsOf('connection', document).join('\n'), new RegExp(`^configuration\\.${path}: (expired on|is not valid before|holds only expired)`));
    const reading = readResource('connection', document, { allowExpired: true });
    t.ok(reading.ok && reading.config.configuration.privateKey?.reveal() === key);
    t.same(reading.problems.map((problem) => problem.path), [`configuration.${path}`]);
  }
  t.same(problemsOf('connection', connection({ certificate: certificates.expired, privateKey: certificates.otherKey }), { allowExpired: true }), ['configuration.privateKey: does not belong to the certificate'], 'all else is refused as ever');
});

void t.test('the tree is the document without what has no value', async (t) => {
  const reading = readResource('connection', { ...connection({ description: null }), name: null });
  t.ok(reading.ok);
  if (!reading.ok) return;
  const tree = reading.tree as { readonly configuration: object };
  t.notOk(Object.hasOwn(tree, 'name'));
  t.notOk(Object.hasOwn(tree.configuration, 'description'));
  t.match(tree.configuration, { secretAccessKey: 'marker-secret-access-key', payloadFormat: 'original' });
});

void t.test('warnings', async (t) => {
  const warnings = (kind: ResourceKind, document: unknown): string[] => {
    const reading = readResource(kind, document);
    return reading.ok ? reading.warnings.map(problemLine) : ['refused'];
  };
  t.match(warnings('connection', connection({ certificate: certificates.ending })).join('\n'), /^configuration\.certificate: expires on .*, in less than 30 days$/);
  t.match(warnings('connection', connection({ uplinkTopicPattern: 'a/{FPort}' })).join('\n'), /^configuration\.topicPatterns\.join: \{FPort\} has no value in join messages/);
  t.same(warnings('network-server', { id: 'a', kind: 'sigfox', authenticate: 'none' }), ['authenticate: anybody who reaches the listener is believed']);
  t.same(warnings('flow', { id: 'f', connections: ['main'] }), []);
});

void t.test('the parsed flow', async (t) => {
  const matchers = [{ tags: ['site=Paris'], devices: ['0018B20000000001', 'AA-ff'], applications: ['p'], fPorts: [1, '7', '10-20'], types: ['uplink', 'join'] }];
  t.same(configOf('flow', { id: 'f', name: null, networkServers: ['a'], matchers, connections: ['main'], uplinkTimeValidity: '5m' }), {
    id: 'f',
    active: true,
    networkServers: ['a'],
    matchers: [{
      tags: ['site=Paris'],
      devices: [{ from: '0018b20000000001', to: '0018b20000000001' }, { from: 'aa', to: 'ff' }],
      applications: ['p'],
      fPorts: [{ from: 1, to: 1 }, { from: 7, to: 7 }, { from: 10, to: 20 }],
      types: ['uplink', 'join'],
    }],
    connections: ['main'],
    uplinkTimeValidity: 300_000,
  });
  t.same(configOf('flow', { id: 'f', connections: ['main'] }), { id: 'f', active: true, matchers: [], connections: ['main'] });
});

void t.test('no problem quotes what may be a secret', async (t) => {
  const marker = 'hunter2-marker';
  const secrets = { secretAccessKey: [marker], downlinkAsKey: { [`x`]: marker }, certificate: marker, privateKey: marker, accessKeyId: 7, registryEndpoint: `http://u:${marker}@localhost`, uplinkTopicPattern: 'a' };
  t.notMatch(problemsOf('connection', connection(secrets)).join('\n'), marker);
  t.notMatch(problemsOf('network-server', { id: marker, kind: marker, authenticate: { bearer: [marker] }, downlink: { proxy: marker, apiToken: { marker } } }).filter((line) => !line.startsWith('id')).join('\n'), marker);
});
