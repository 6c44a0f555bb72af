import { createHash, X509Certificate } from 'node:crypto';
import { connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { allowAll } from '../../src/sandbox/policy.js';
import { connectLibrary, credentialsOf, nextNotice, startSandbox, within } from './support/harness.js';
import { connectRaw, openRaw, tryRaw } from './support/raw-client.js';

void t.test('the address names the files and the certificate of the bridge', async (t) => {
  const { address } = await startSandbox(t);
  const { cert } = await credentialsOf(address);
  const id = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');
  t.equal(address.certificateId, id);
  t.equal(address.certificateArn, `arn:aws:iot:sandbox:000000000000:cert/${id}`);
  t.ok(address.port > 0);
});

void t.test('the registered bridge certificate gets in over TLS 1.2 and 1.3, in MQTT 3.1.1 and 5', async (t) => {
  const { address } = await startSandbox(t);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const protocolVersion of [4, 5] as const) {
      const client = await connectRaw(t, address, { protocolVersion, clientId: `${version}-${protocolVersion}`, tls: { minVersion: version, maxVersion: version } });
      t.equal(client.socket.getProtocol(), version);
      t.ok(client.socket.authorized, 'the server certificate is trusted and names localhost');
    }
  }
});

void t.test('ALPN: the name of AWS is agreed on, another one fails the handshake', async (t) => {
  const { address } = await startSandbox(t);
  const client = await connectRaw(t, address, { tls: { ALPNProtocols: ['x-amzn-mqtt-ca'] } });
  t.equal(client.socket.alpnProtocol, 'x-amzn-mqtt-ca');
  await t.rejects(openRaw(t, address, { tls: { ALPNProtocols: ['h2'] } }));
});

void t.test('an unregistered certificate of the same CA is turned away without an MQTT packet', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const stranger = await sandbox.createCertificate('stranger', { register: false });
  const refused = nextNotice(sandbox, 'connect-refused');
  const { client, connack } = await tryRaw(t, address, { tls: await credentialsOf(address, { certificate: stranger.certificatePath, privateKey: stranger.privateKeyPath }) });
  t.equal(connack, undefined);
  await within('close', client.closed);
  t.match(await refused, { reason: 'certificate_not_active' });
});

void t.test('a client without a certificate is turned away', async (t) => {
  const { address } = await startSandbox(t);
  const { ca } = await credentialsOf(address);
  const socket = tlsConnect({ host: '127.0.0.1', port: address.port, servername: 'localhost', ca });
  t.teardown(() => void socket.destroy());
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.on('error', () => undefined);
  await within('close', new Promise<void>((resolve) => socket.once('close', () => resolve())));
  t.equal(bytes, 0);
});

void t.test('inactive and revoked certificates are turned away, and let in when they are active again', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  for (const status of ['INACTIVE', 'REVOKED'] as const) {
    sandbox.setCertificateStatus(status);
    t.equal((await tryRaw(t, address)).connack, undefined, status);
  }
  sandbox.setCertificateStatus('ACTIVE');
  t.equal((await tryRaw(t, address)).connack?.reasonCode, 0);
});

void t.test('a session is closed when its certificate leaves ACTIVE; sessions of other certificates stay', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const other = await sandbox.createCertificate('other', { policies: [allowAll] });
  const mine = await connectRaw(t, address, { clientId: 'mine' });
  const theirs = await connectRaw(t, address, {
    clientId: 'theirs',
    tls: await credentialsOf(address, { certificate: other.certificatePath, privateKey: other.privateKeyPath }),
  });
  sandbox.setCertificateStatus('INACTIVE');
  t.match(await mine.rest(), [{ cmd: 'disconnect', reasonCode: 0x87 }]);
  theirs.send({ cmd: 'pingreq' });
  t.match(await theirs.next(), { cmd: 'pingresp' });
  t.match(sandbox.stats(), { sessionsOpen: 1, sessionsClosed: { certificate_not_active: 1 } });
});

void t.test('bytes that are no TLS do not disturb the others', async (t) => {
  const { address } = await startSandbox(t);
  const { connect } = await import('node:net');
  const socket = connect(address.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
  socket.on('error', () => undefined);
  await within('close', new Promise<void>((resolve) => socket.once('close', () => resolve())));
  t.ok((await connectLibrary(t, address)).connected);
});
