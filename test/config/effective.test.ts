import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { effectiveYaml } from '../../src/config/effective.js';
import { createTestCertificates } from '../support/certificates.js';
import { configFolder, load, minimal } from './config-folder.js';

const certificates = await createTestCertificates();

interface Printed {
  readonly dataDir: string;
  readonly ingress: Readonly<Record<string, unknown>>;
  readonly networkServers: readonly { readonly authenticate: unknown }[];
  readonly connections: readonly { readonly configuration: Readonly<Record<string, unknown>> }[];
}

void t.test('what came from files is named, the rest is filled in', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal });
  const printed = parse(effectiveYaml(load(folder, { LPWAN_INGRESS_HOST: '127.0.0.1' }))) as Printed;
  t.equal(printed.dataDir, join(folder, 'data'));
  t.same(printed.ingress, { host: '127.0.0.1', port: 8080, trustedProxies: [], bodyLimit: '1MiB', maxConnections: 2_000 });
  t.same(printed.networkServers[0]?.authenticate, { bearer: '[redacted]' });
  t.match(printed.connections[0]?.configuration, {
    endpoint: 'localhost:8883',
    certificate_file: join(folder, 'certs/bridge.pem'),
    privateKey_file: join(folder, 'certs/bridge.key'),
    payloadFormat: 'normalised',
    publishTimeout: '10s',
    reconnect: { min: '1s', max: '20s' },
  });
});

void t.test('written-out certificates are shortened, written-out keys masked', async (t) => {
  const folder = configFolder(t, certificates);
  const configuration = { endpoint: 'localhost', certificate: certificates.cert, privateKey: certificates.key, caCertificate: certificates.ca };
  const config = { networkServers: [{ id: 'a', kind: 'sigfox', authenticate: 'none' }], connections: [{ id: 'm', connectorId: 'actility-aws-iot', configuration }] };
  writeFileSync(join(folder, 'bridge.yaml'), JSON.stringify(config));
  const text = effectiveYaml(load(folder));
  const printed = parse(text) as Printed;
  t.same(printed.networkServers[0]?.authenticate, { none: true });
  t.match(printed.connections[0]?.configuration, { privateKey: '[redacted]', certificate: /^\[certificate CN=bridge, until \d{4}-.*Z\]$/, caCertificate: /^\[certificate CN=Test CA, / , payloadFormat: 'original' });
  for (const line of certificates.key.split('\n').slice(1, 3)) t.notOk(text.includes(line));
});

void t.test('keys for sealing are masked, also those of before; literal line ends do no harm', async (t) => {
  const [key, old] = ['ab'.repeat(32), 'cd'.repeat(32)];
  const folder = configFolder(t, certificates);
  const configuration = { endpoint: 'localhost', certificate: certificates.cert.replaceAll('\n', '\\n'), privateKey: certificates.key };
  writeFileSync(join(folder, 'bridge.yaml'), JSON.stringify({ secrets: { key, previousKeys: [old, old] }, connections: [{ id: 'm', connectorId: 'aws-iot', configuration }] }));
  const text = effectiveYaml(load(folder));
  t.match(parse(text), { secrets: { key: '[redacted]', previousKeys: ['[redacted]', '[redacted]'] }, connections: [{ configuration: { certificate: /^\[certificate CN=bridge/ } }], flows: [] });
  t.notMatch(text, key);
  t.notMatch(text, old);
});

void t.test('what is printed without secrets loads again and prints the same', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': minimal.replace('bearer: "marker-bearer"', 'bearer_file: certs/text.pem') });
  const printed = effectiveYaml(load(folder));
  writeFileSync(join(folder, 'bridge.yaml'), printed);
  t.equal(effectiveYaml(load(folder)), printed);
});
