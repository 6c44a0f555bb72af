import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constantFrom, dictionary, oneof, tuple, type Arbitrary } from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError, type Problem } from '../../src/config/problem.js';
import { readResource, type ResourceKind } from '../../src/config/read-resource.js';
import { parseYaml } from '../../src/config/yaml-text.js';
import { createTestCertificates } from '../support/certificates.js';
import { fuzzOf } from '../support/fuzz.js';
import { changedJson, damaged, hostileJson, hostileText } from '../support/fuzz-values.js';
import { configFolder, minimal } from './config-folder.js';
import { thingParkConnection } from './thingpark-connection.js';

const certificates = await createTestCertificates();

const documents: Readonly<Record<ResourceKind, readonly unknown[]>> = {
  connection: [
    { id: 'main', ...thingParkConnection(certificates) },
    { id: 'other', connectorId: 'aws-iot', configuration: { endpoint: 'localhost:8883', protocol: 'WSS', things: { name: '{DevEUI}', attributes: { site: '{$.device.tags.site}' }, requestsPerSecond: 20 }, assumeRole: { roleArn: 'arn:aws:iam::123456789012:role/x' }, reconnect: { min: '200ms', max: '2s' } } },
  ],
  'network-server': [
    { id: 'factory', kind: 'chirpstack', authenticate: { bearer: 'marker-bearer' }, downlink: { url: 'https://localhost:8090', apiToken: 'x', backoff: { min: '1s', max: '1m' } } },
    { id: 'sfx', kind: 'sigfox', authenticate: { basic: { username: 'u', password: 'p' } }, sources: ['10.0.0.0/8'], fields: { data: 'payload' }, batchPattern: '{device};{time}' },
    { id: 'tp', kind: 'thingpark', authenticate: 'none', downlink: { url: 'https://localhost', asId: 'a', asKey: '00112233445566778899aabbccddeeff' } },
  ],
  flow: [{ id: 'f', name: 'n', active: true, networkServers: ['factory'], matchers: [{ tags: ['a'], devices: ['0018b20000000001', '0018b20000000000-0018b200000000ff'], applications: ['x'], fPorts: [1, '10-20'], types: ['uplink'] }], connections: ['main'], uplinkTimeValidity: '5m' }],
};

/** A problem names a place, in short words. */
const checkProblems = (problems: readonly Problem[]): void => {
  if (problems.length === 0) throw new Error('refused without a problem');
  for (const { path, message } of problems) if (typeof path !== 'string' || path === '' || typeof message !== 'string' || message === '') throw new Error(`problem ${path}: ${message}`);
};

for (const kind of Object.keys(documents) as ResourceKind[]) {
  void t.test(`a document of a ${kind} is read or refused`, async (t) => {
    const document: Arbitrary<unknown> = oneof({ arbitrary: constantFrom(...documents[kind]).chain(changedJson), weight: 5 }, { arbitrary: hostileJson, weight: 1 });
    fuzzOf(t, kind, {
      input: document,
      runs: 500,
      holds: (one) => {
        const reading = readResource(kind, one);
        if (!reading.ok) return checkProblems(reading.problems);
        JSON.stringify(reading.tree);
        if (!readResource(kind, reading.tree).ok) throw new Error('what it read is not read again');
      },
    });
  });
}

const refusedAs = (run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    checkProblems(error.problems);
  }
};

const yamlTexts = constantFrom('a: &a [*a]', 'a: *b', 'a: &a {b: *a}', '? {a: b}\n: c', '!!js/function "x"', '!!binary x', '%YAML 9.9\n---\na', '<<: {a: b}', '__proto__: {x: 1}', 'constructor: 1', '- '.repeat(500), '[', '{a', '"', '\t', '---\n---\n', 'a: |\n b', '\ufeffa: b', 'a: 0x', `${'a: '.repeat(50)}`, `x: &x [${'y,'.repeat(10)}]\nz: [${'*x,'.repeat(200)}]`);

void t.test('any text is a YAML document or refused', async (t) => {
  fuzzOf(t, 'yaml', { input: oneof(yamlTexts, hostileText, damaged(Buffer.from(minimal)).map(String), tuple(yamlTexts, yamlTexts).map((texts) => texts.join('\n'))), runs: 700, holds: (text) => refusedAs(() => parseYaml(text)) });
});

void t.test('a file with any values, and any environment, is a configuration or refused', async (t) => {
  const folder = configFolder(t, certificates);
  const file = join(folder, 'bridge.yaml');
  const whole: unknown = parse(minimal);
  const names = constantFrom('LPWAN_DATA_DIR', 'LPWAN_INGRESS__PORT', 'LPWAN_INGRESS', 'LPWAN_INGRESS__PORT__X', 'LPWAN___PROTO____X', 'LPWAN_CONSTRUCTOR', 'LPWAN_CONNECTIONS__0__ID', 'LPWAN_', 'HOME', 'LPWAN_SECRETS__KEY');
  const text = oneof(changedJson(whole).map((value) => JSON.stringify(value) ?? ''), damaged(Buffer.from(minimal)).map(String));
  fuzzOf(t, 'files', {
    input: tuple(text, dictionary(names, hostileText, { maxKeys: 3 })),
    runs: 400,
    holds: ([content, env]) => {
      writeFileSync(file, content);
      refusedAs(() => loadConfig({ file, env }));
    },
  });
});

void t.test('a file that is one text with an unknown variable is refused by name', async (t) => {
  const file = join(configFolder(t, certificates), 'bridge.yaml');
  writeFileSync(file, '"${NOBODY_SET_THIS}"');
  t.throws(() => loadConfig({ file, env: {} }), { message: /^file: .*NOBODY_SET_THIS/m });
});
