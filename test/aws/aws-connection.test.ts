import t from 'tap';
import { nextNotice, startSandbox } from '../sandbox/support/harness.js';
import { until } from '../support/until.js';
import { makeConnection, startConnection } from './support/connection.js';
import { startRawBroker } from './support/raw-broker.js';
import { endpointOf } from './support/subscriber.js';

type Test = Parameters<typeof startSandbox>[0];

const start = async (t: Test, options: Parameters<typeof startSandbox>[1] = {}) => {
  const { sandbox, address } = await startSandbox(t, options);
  return { sandbox, address, endpoint: endpointOf(address.port, address) };
};

const allowing = (...actions: string[]) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] });

void t.test('the first session opens at once, without demand, by way of the states that its users know', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const test = makeConnection(t, { endpoint });
  t.match(test.connection.status(), { state: 'closed', connects: 0, sessions: 0 });
  const opened = nextNotice(sandbox, 'session-opened');
  test.connection.start();
  t.match(await opened, { clientId: 'bridge-0-c1-1' });
  await test.is('opened');
  t.same(test.statuses.map(({ state }) => state), ['opening', 'authenticating', 'opened']);
  t.match(test.connection.status(), { state: 'opened', connects: 1, sessions: 1, inFlight: 0, since: Number });
  t.notOk('lastError' in test.connection.status());
  await test.publish('up/a');
  await test.acknowledged(1);
  await test.stop();
  t.match(test.statuses.at(-1), { state: 'closed', sessions: 0 });
});

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: a certificate that is not active, then is`, async (t) => {
    const { sandbox, endpoint } = await start(t);
    sandbox.setCertificateStatus('INACTIVE');
    const test = startConnection(t, { endpoint, version });
    await test.is('authentication_failed', 'certificate_refused');
    sandbox.setCertificateStatus('ACTIVE');
    await test.is('opened');
    t.match(test.connection.status(), { reason: undefined, connects: 1, lastError: { reason: 'certificate_refused', detail: String, time: Number } }, 'the last error stays');
    t.same(test.statuses.map(({ state }) => state).filter((state) => state !== 'authenticating'), ['opening', 'authentication_failed', 'opened'], 'attempts that end the same way are told once');
  });

  void t.test(`${name}: a policy that does not allow the client id`, async (t) => {
    const { sandbox, endpoint } = await start(t, { policy: allowing('iot:Publish') });
    const test = startConnection(t, { endpoint, version });
    await test.is('authentication_failed', 'certificate_refused');
    sandbox.setPolicy(allowing('iot:Connect'));
    await test.is('opened');
  });
}

void t.test('a broker that cannot serve is unreachable, not a refusal', async (t) => {
  const { sandbox, endpoint } = await start(t);
  sandbox.misbehave([{ action: 'refuse-connect', reasonCode: 0x97, times: 3 }]);
  const test = startConnection(t, { endpoint });
  await test.is('unreachable', 'connect_refused');
  await test.is('opened');
});

void t.test('a session that is lost is counted, and its reason stays', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const test = startConnection(t, { endpoint });
  await test.is('opened');
  sandbox.disconnect('bridge-0-c1-1');
  await until('opened again', () => test.connection.status().connects === 2);
  await test.is('opened');
  t.match(test.connection.status(), { state: 'opened', lastError: { reason: 'session_lost' } });
  t.ok(test.statuses.some(({ state, reason }) => state === 'opening' && reason === 'session_lost'));
});

void t.test('an endpoint that falls silent: the session says how that was noticed, and what was in flight arrives afterwards', async (t) => {
  const ways = [
    { name: 'a publish without a PUBACK', options: { publishTimeoutMs: 400, connectTimeoutMs: 500 }, publishes: true, detail: 'nothing was heard for 400 ms, nor after a ping' },
    { name: 'the keep-alive', options: { keepAliveMs: 1_000, connectTimeoutMs: 500 }, publishes: false, detail: 'Keepalive timeout' },
  ];
  for (const { name, options, publishes, detail } of ways) {
    const { sandbox, endpoint } = await start(t, { limits: { minKeepAliveSeconds: 1 } });
    const test = startConnection(t, { endpoint, maxClients: 1, ...options });
    await test.is('opened');
    sandbox.blackhole();
    if (publishes) await test.publish('up/a');
    await until(`${name}: the session is closed`, () => test.log.some(({ msg }) => msg === 'session closed'));
    t.match(test.log.find(({ msg }) => msg === 'session closed'), { reason: 'endpoint_unreachable', detail }, name);
    await sandbox.restore();
    if (!publishes) await test.publish('up/a');
    await test.acknowledged(1);
    await test.is('opened');
  }
});

void t.test('a server certificate that is not trusted, and a port where nobody listens', async (t) => {
  const { endpoint } = await start(t);
  const { ca: _ca, ...untrusted } = endpoint;
  const test = startConnection(t, { endpoint: untrusted });
  await test.is('unreachable', 'tls_failed');
  const other = startConnection(t, { endpoint: { ...endpoint, host: '127.0.0.1', port: 1 } });
  await other.is('unreachable', 'endpoint_unreachable');
});

void t.test('a key that does not belong to the certificate is a failure of TLS, and the daemon lives', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const other = await sandbox.createCertificate('other');
  if (endpoint.auth.kind !== 'certificate') throw new Error('no certificate');
  const test = startConnection(t, { endpoint: { ...endpoint, auth: { ...endpoint.auth, privateKey: other.privateKey } } });
  await test.is('unreachable', 'tls_failed');
  const unreadable = startConnection(t, { endpoint: { ...endpoint, auth: { ...endpoint.auth, certificate: 'no PEM' } } });
  await unreadable.is('unreachable');
});

void t.test('CALM gives up after a day and a half; changing the connection starts it again', async (t) => {
  const { sandbox, endpoint } = await start(t);
  await sandbox.cut();
  let now = 0;
  const test = startConnection(t, { endpoint, reconnectStrategy: 'CALM' }, { now: () => now });
  await test.is('unreachable', 'endpoint_unreachable');
  now = 37 * 3_600_000;
  await test.is('closed', 'endpoint_unreachable');
  t.match(test.connection.status().detail, /CALM gave up/);
  await sandbox.restore();
  t.equal(sandbox.stats().sessionsOpened, 0);
  await test.connection.replace(test.options);
  await test.is('opened');
  await test.publish('up/a');
  await test.acknowledged(1);
});

void t.test('CALM: an outage that ended does not count for the next one', async (t) => {
  const { sandbox, endpoint } = await start(t);
  await sandbox.cut();
  let now = 0;
  const test = startConnection(t, { endpoint, reconnectStrategy: 'CALM' }, { now: () => now });
  await test.is('unreachable');
  await sandbox.restore();
  await test.is('opened');
  await test.publish('up/a');
  await test.acknowledged(1);
  now = 37 * 3_600_000;
  await sandbox.cut();
  await test.is('unreachable', 'endpoint_unreachable');
  await sandbox.restore();
  await test.is('opened');
});

void t.test('AGGRESSIVE opens the sessions anew when nothing was published for an hour', async (t) => {
  const { sandbox, endpoint } = await start(t);
  let now = 0;
  const test = startConnection(t, { endpoint, reconnectStrategy: 'AGGRESSIVE' }, { now: () => now });
  await test.is('opened');
  now = 3_500_000;
  await test.publish('up/a');
  await test.acknowledged(1);
  now += 3_500_000;
  const opened = nextNotice(sandbox, 'session-opened');
  await test.publish('up/a');
  await test.acknowledged(2);
  now += 3_600_001;
  t.match(await opened, { clientId: 'bridge-0-c1-1' });
  await until('the new one', () => test.connection.status().connects === 2);
  await test.publish('up/a');
  await test.acknowledged(3);
  t.notOk(test.statuses.slice(3).length, 'and stays opened');
});

void t.test('NORMAL opens nothing anew', async (t) => {
  const { sandbox, endpoint } = await start(t);
  let now = 0;
  const test = startConnection(t, { endpoint, reconnectStrategy: 'NORMAL' }, { now: () => now });
  await test.is('opened');
  now = 10 * 3_600_000;
  const began = performance.now();
  await until('two looks', () => performance.now() - began > 2_100);
  t.equal(sandbox.stats().sessionsOpened, 1);
});

void t.test('stop while it waits for the next attempt, and before it was started', async (t) => {
  const { sandbox, endpoint } = await start(t);
  await sandbox.cut();
  const test = startConnection(t, { endpoint, reconnect: { minMs: 60_000, maxMs: 60_000 } });
  await test.is('unreachable');
  await test.stop();
  t.match(test.connection.status(), { state: 'closed' });
  const idle = makeConnection(t, { endpoint });
  await idle.stop();
  await idle.connection.replace(idle.options);
  t.match(idle.connection.status(), { state: 'closed', connects: 0 });
});

void t.test('a publish that is closed on is blamed, as before', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'connect') connection.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
    if (packet.cmd === 'publish' && connection.number === 1) connection.socket.destroy();
    else if (packet.cmd === 'publish') connection.send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
  });
  const test = startConnection(t, { endpoint: broker.endpoint });
  await test.publish('up/a');
  await test.acknowledged(1);
  t.match(test.outcomes, [[1, { kind: 'lost', blame: 'possible' }], [1, { kind: 'acknowledged' }]]);
});
