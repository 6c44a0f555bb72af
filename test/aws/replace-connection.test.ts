import t from 'tap';
import type { Endpoint } from '../../src/aws/endpoint.js';
import type { SandboxNotice } from '../../src/sandbox/books.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { startSandbox } from '../sandbox/support/harness.js';
import { until } from '../support/until.js';
import { connectionOptions, startConnection } from './support/connection.js';
import { startRawBroker, type RawConnection } from './support/raw-broker.js';
import { endpointOf } from './support/subscriber.js';

type Test = Parameters<typeof startSandbox>[0];

const allowAll = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] };

const noticesOf = (sandbox: Sandbox): SandboxNotice[] => {
  const notices: SandboxNotice[] = [];
  sandbox.onNotice((notice) => void notices.push(notice));
  return notices;
};

/** A sandbox with a second certificate for the bridge. */
const start = async (t: Test, options: Parameters<typeof startSandbox>[1] = {}) => {
  const { sandbox, address } = await startSandbox(t, options);
  const endpoint = endpointOf(address.port, address);
  const second = await sandbox.createCertificate('second', { policies: [allowAll] });
  const renewed: Endpoint = { ...endpoint, auth: { kind: 'certificate', certificate: second.certificate, privateKey: second.privateKey } };
  return { sandbox, address, endpoint, second, renewed, notices: noticesOf(sandbox) };
};

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: a replaced certificate takes over while messages flow: none is lost, blamed or sent twice, and the state stays opened`, async (t) => {
    const { sandbox, endpoint, renewed, notices } = await start(t, { limits: { publishesPerSecond: 0 } });
    const test = startConnection(t, { endpoint, version, publishesPerSecondPerClient: 0, maxClients: 1 });
    await test.is('opened');
    const arrived: string[] = [];
    sandbox.onPublish(({ payload }) => void arrived.push(payload.toString()));
    const total = 400;
    let changed: Promise<void> | undefined;
    for (let number = 0; number < total; number += 1) {
      await test.publish(`up/${number % 20}`, String(number));
      if (number === 100) changed = test.connection.replace({ ...test.options, endpoint: renewed });
    }
    await changed;
    await test.acknowledged(total);
    t.same([...new Set(arrived)].length, total);
    t.equal(arrived.length, total, 'none came twice');
    t.notOk(test.outcomes.some(([, outcome]) => outcome.kind === 'lost' && outcome.blame));
    t.equal(test.outcomes.filter(([, { kind }]) => kind === 'acknowledged').length, total);
    t.same(test.statuses.map(({ state }) => state), ['opening', 'authenticating', 'opened']);
    t.match(test.connection.status(), { state: 'opened', connects: 2, sessions: 1 });
    const opened = notices.filter((notice) => notice.kind === 'session-opened' && notice.clientId === 'bridge-0-c1-1');
    t.equal(opened.length, 2, 'the first one, one that took its client id over, and the old pool did not fight back');
  });
}

void t.test('every session of a pool is taken over, and the sessions of the second certificate are the ones that publish', async (t) => {
  const { sandbox, endpoint, renewed, address } = await start(t);
  const test = startConnection(t, { endpoint, publishesPerSecondPerClient: 20 });
  await test.is('opened');
  const flood = Promise.all(Array.from({ length: 60 }, (_, number) => test.publish(`up/${number}`)));
  await until('three sessions', () => {
    test.connection.publisher.demand(1_000);
    return test.connection.status().sessions === 3;
  });
  await flood;
  await test.connection.replace({ ...test.options, endpoint: renewed });
  t.match(test.connection.status(), { state: 'opened', sessions: 3, connects: 6 });
  sandbox.setCertificateStatus('REVOKED', address.certificateId);
  await test.publish('up/last');
  await test.acknowledged(61);
  t.match(test.connection.status(), { state: 'opened', sessions: 3, connects: 6 }, 'the old certificate is used no more');
});

void t.test('a certificate that is refused: the old sessions go on, the status says why, and it takes over once it is let in', async (t) => {
  const { sandbox, endpoint, renewed, second } = await start(t);
  sandbox.setCertificateStatus('INACTIVE', second.certificateId);
  const test = startConnection(t, { endpoint });
  await test.is('opened');
  await test.publish('up/a');
  await test.acknowledged(1);
  await test.connection.replace({ ...test.options, endpoint: renewed });
  t.match(test.connection.status(), { state: 'opened', sessions: 1, connects: 1, lastError: { reason: 'certificate_refused' } });
  await test.publish('up/b');
  await test.acknowledged(2);
  t.equal(test.statuses.filter(({ lastError }) => lastError !== undefined).length, 1, 'told once');
  sandbox.setCertificateStatus('ACTIVE', second.certificateId);
  await until('taken over', () => test.connection.status().connects === 2 && test.connection.status().sessions === 1);
  await test.publish('up/c');
  await test.acknowledged(3);
  t.ok(test.outcomes.every(([, { kind }]) => kind === 'acknowledged'));
});

void t.test('a certificate whose policy refuses CONNECT: the session that was to be taken over goes on', async (t) => {
  for (const version of [4, 5] as const) {
    const { sandbox, endpoint, renewed, second } = await start(t);
    sandbox.setPolicy({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 'iot:*', Resource: '*' }] }, second.certificateId);
    const test = startConnection(t, { endpoint, version });
    await test.is('opened');
    await test.connection.replace({ ...test.options, endpoint: renewed });
    t.match(test.connection.status(), { state: 'opened', sessions: 1, connects: 1, lastError: { reason: 'certificate_refused' } });
    await test.publish('up/a');
    await test.acknowledged(1);
    await test.connection.replace(test.options);
    await test.publish('up/b');
    await test.acknowledged(2);
    t.match(test.connection.status(), { state: 'opened', connects: 2 }, 'and it can be taken back');
    await test.stop();
  }
});

void t.test('the old session is lost while the new certificate is refused: it comes back with the old one', async (t) => {
  const { sandbox, endpoint, renewed, second } = await start(t);
  sandbox.setCertificateStatus('INACTIVE', second.certificateId);
  const test = startConnection(t, { endpoint, reconnect: { minMs: 200, maxMs: 200 } });
  await test.is('opened');
  await test.connection.replace({ ...test.options, endpoint: renewed });
  sandbox.disconnect('bridge-0-c1-1');
  await until('back', () => test.connection.status().connects === 2);
  await test.publish('up/a');
  await test.acknowledged(1);
});

void t.test('another address: the old sessions end first, what is in flight is settled', async (t) => {
  const first = await start(t);
  const other = await startSandbox(t);
  first.sandbox.misbehave([{ action: 'delay-puback', delayMs: 300 }]);
  const test = startConnection(t, { endpoint: first.endpoint });
  await test.is('opened');
  await test.publish('up/a');
  await test.connection.replace({ ...test.options, endpoint: endpointOf(other.address.port, other.address) });
  await test.is('opened');
  t.same(test.outcomes, [[1, { kind: 'acknowledged' }]]);
  t.same(test.statuses.map(({ state }) => state), ['opening', 'authenticating', 'opened', 'opening', 'authenticating', 'opened']);
  await test.publish('up/b');
  await test.acknowledged(2);
  t.equal(first.sandbox.stats().sessionsOpened, 1);
  t.equal(other.sandbox.stats().sessionsOpened, 1);
});

void t.test('what gets no PUBACK in time is given back as lost, and is nobody\'s fault', async (t) => {
  const taken: number[] = [];
  let first: RawConnection | undefined;
  const broker = await startRawBroker(t, (packet, connection) => {
    const { number } = connection;
    if (packet.cmd === 'connect') {
      first?.socket.destroy();
      first ??= connection;
      connection.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
    }
    if (packet.cmd === 'publish' && number === 2) connection.send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
    if (packet.cmd === 'publish') taken.push(number);
  });
  const test = startConnection(t, { endpoint: broker.endpoint, publishTimeoutMs: 60_000 });
  await test.is('opened');
  await test.publish('up/a');
  await test.connection.replace({ ...test.options, endpoint: broker.endpoint });
  await test.acknowledged(1);
  t.match(test.outcomes[0], [1, { kind: 'lost', blame: 'none' }]);
  t.same(taken, [1, 2]);
});

void t.test('pool size, pacing and version change the same way; two changes at once end with the last one', async (t) => {
  const { endpoint, renewed } = await start(t);
  const test = startConnection(t, { endpoint, maxClients: 1 });
  await test.is('opened');
  await Promise.all([
    test.connection.replace(connectionOptions({ endpoint: renewed, maxClients: 2, version: 4 })),
    test.connection.replace(connectionOptions({ endpoint, maxClients: 3, publishesPerSecondPerClient: 20 })),
  ]);
  t.match(test.connection.status(), { state: 'opened', sessions: 1, connects: 3 });
  const flood = Promise.all(Array.from({ length: 40 }, (_, number) => test.publish(`up/${number}`)));
  await until('three sessions', () => {
    test.connection.publisher.demand(1_000);
    return test.connection.status().sessions === 3;
  });
  await flood;
  await test.acknowledged(40);
});

void t.test('stop in the middle of a change', async (t) => {
  const { sandbox, endpoint, renewed, second } = await start(t);
  sandbox.setCertificateStatus('INACTIVE', second.certificateId);
  const test = startConnection(t, { endpoint });
  await test.is('opened');
  const changed = test.connection.replace({ ...test.options, endpoint: renewed });
  await test.stop();
  await changed;
  t.match(test.connection.status(), { state: 'closed', sessions: 0 });
});
