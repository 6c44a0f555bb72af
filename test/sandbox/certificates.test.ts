import { X509Certificate, createHash, createPrivateKey } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openCertificateStore } from '../../src/sandbox/certificate-files.js';
import { certificateIdOf, createRegistry } from '../../src/sandbox/registry.js';
import { testDir } from '../support/test-dir.js';

void t.test('the first run makes a CA, a server and client certificates', async (t) => {
  const dir = testDir(t);
  const store = await openCertificateStore(dir);
  const client = await store.client('bridge');
  const [ca, server, bridge] = [store.ca, store.server, client].map(({ certificate }) => new X509Certificate(certificate)) as [X509Certificate, X509Certificate, X509Certificate];
  t.ok(ca.ca);
  t.ok(server.checkIssued(ca) && server.verify(ca.publicKey));
  t.ok(bridge.checkIssued(ca) && bridge.verify(ca.publicKey));
  t.equal(server.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  t.same(bridge.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  t.match(createPrivateKey(client.privateKey), { asymmetricKeyType: 'ec', asymmetricKeyDetails: { namedCurve: 'prime256v1' } });
  t.match(client.privateKey, /^-----BEGIN PRIVATE KEY-----\n/);
  t.same((await readdir(dir)).sort(), ['bridge.key', 'bridge.pem', 'ca.key', 'ca.pem', 'server.key', 'server.pem']);
});

void t.test('private keys are readable for their owner only', async (t) => {
  const store = await openCertificateStore(testDir(t));
  const client = await store.client('bridge');
  for (const { privateKeyPath } of [store.ca, store.server, client]) t.equal((await stat(privateKeyPath)).mode & 0o777, 0o600, privateKeyPath);
});

void t.test('later runs use the same certificates', async (t) => {
  const dir = testDir(t);
  const first = await openCertificateStore(dir);
  const bridge = await first.client('bridge');
  const second = await openCertificateStore(dir);
  t.same([second.ca, second.server, await second.client('bridge')], [first.ca, first.server, bridge]);
});

void t.test('what is unusable is made anew', async (t) => {
  const dir = testDir(t);
  const first = await openCertificateStore(dir);
  const bridge = await first.client('bridge');
  await writeFile(join(dir, 'server.pem'), 'not a certificate');
  await writeFile(bridge.privateKeyPath, first.server.privateKey);
  const second = await openCertificateStore(dir);
  t.equal(second.ca.certificate, first.ca.certificate);
  t.not(second.server.certificate, first.server.certificate);
  t.ok(new X509Certificate(await readFile(join(dir, 'server.pem'))).checkPrivateKey(createPrivateKey(second.server.privateKey)));
  t.not((await second.client('bridge')).certificate, bridge.certificate, 'a key of another certificate');
  await writeFile(join(dir, 'ca.key'), '');
  const third = await openCertificateStore(dir);
  t.not(third.server.certificate, second.server.certificate, 'a new CA signs a new server certificate');
});

void t.test('a client name is a file name and nothing else', async (t) => {
  const store = await openCertificateStore(testDir(t));
  for (const name of ['', '../x', 'a/b', 'ca', 'server', 'a b']) await t.rejects(store.client(name), { message: /cannot name a client certificate/ }, name);
});

void t.test('the registry knows certificates by the SHA-256 of their DER', async (t) => {
  const { certificate } = await (await openCertificateStore(testDir(t))).client('bridge');
  const registry = createRegistry();
  const id = registry.register(certificate);
  const der = Buffer.from(certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  t.equal(id, createHash('sha256').update(der).digest('hex'));
  t.equal(certificateIdOf(der), id);
  t.equal(registry.status(id), 'ACTIVE');
  t.equal(registry.status('unknown'), undefined);
});

void t.test('a registered certificate without a policy may do nothing', async (t) => {
  const { certificate } = await (await openCertificateStore(testDir(t))).client('bridge');
  const registry = createRegistry();
  const id = registry.register(certificate);
  const request = { action: 'iot:Connect', resource: 'client/a', clientId: 'a' } as const;
  t.equal(registry.decide(id, request), 'none');
  registry.setPolicies(id, [{ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }]);
  t.equal(registry.decide(id, request), 'allow');
  t.equal(registry.decide('unknown', request), 'none');
});

void t.test('a change of status is told when the certificate leaves ACTIVE', async (t) => {
  const { certificate } = await (await openCertificateStore(testDir(t))).client('bridge');
  const registry = createRegistry();
  const id = registry.register(certificate);
  const told: string[] = [];
  registry.onInactive((certificateId) => told.push(certificateId));
  registry.setStatus(id, 'ACTIVE');
  t.same(told, []);
  registry.setStatus(id, 'REVOKED');
  t.same(told, [id]);
  t.throws(() => registry.setStatus('unknown', 'ACTIVE'), { message: /not registered/ });
});
