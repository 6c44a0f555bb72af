import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { SandboxOptions } from '../../src/sandbox/sandbox.js';
import { connectLibrary, nextNotice, startSandbox } from '../sandbox/support/harness.js';
import { endpointOf, startSubscriber, type TestSubscriber } from './support/subscriber.js';
import { deadlineIn } from '../../src/lifecycle.js';
import { until } from '../support/until.js';

const versions = [4, 5] as const;

/** AWS's limits but for those that only make a test last longer. */
const limits = { storedPerSecond: 0, publishesPerSecond: 0, minKeepAliveSeconds: 1 };

const start = async (t: Parameters<typeof startSandbox>[0], options: Omit<SandboxOptions, 'dataDir'> = {}) => {
  const { sandbox, address } = await startSandbox(t, { ...options, limits: { ...limits, ...options.limits } });
  return {
    sandbox,
    address,
    endpoint: endpointOf(address.port, address),
    send: (...payloads: string[]): void => {
      for (const payload of payloads) sandbox.publish({ topic: 'down/a', payload });
    },
  };
};

const never = new Promise<void>(() => undefined);

for (const version of versions) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: a stored message is acknowledged, and the next one comes`, async (t) => {
    const { endpoint, send } = await start(t, { limits: { receiveMaximum: 1 } });
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    send('1', '2', '3');
    await test.has(3);
    await test.stop();
    t.same(test.received, ['down/a 1', 'down/a 2', 'down/a 3'], 'one unacknowledged message is all that the broker sends');
    t.match(test.subscriber.status(), { state: 'closed', since: Number });
    const again = startSubscriber(t, { endpoint, version });
    await again.is('opened');
    send('4');
    await again.has(1);
    t.same(again.received, ['down/a 4'], 'nothing that was acknowledged comes again');
  });

  void t.test(`${name}: a message that cannot be stored in time is not acknowledged and comes again, in order`, async (t) => {
    const { sandbox, endpoint, send } = await start(t);
    const test = startSubscriber(t, { endpoint, version, storeTimeoutMs: 100 });
    await test.is('opened');
    let finish: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (finish = resolve));
    test.store = (_incoming, text) => {
      if (text !== '2') return Promise.resolve();
      test.store = async () => undefined;
      return hanging;
    };
    const resumed = nextNotice(sandbox, 'session-closed').then(() => nextNotice(sandbox, 'session-opened'));
    send('1', '2', '3', '4');
    t.match(await resumed, { sessionPresent: true });
    await test.has(4);
    t.same(test.received.filter((line) => line.endsWith('2')).length, 2);
    t.same(test.stored, ['1', '2', '3', '4']);
    finish();
    await until('the late end', () => test.stored.length === 5);
    send('5');
    await test.has(6);
    t.same(test.stored, ['1', '2', '3', '4', '2', '5'], 'a store that ends too late disturbs nothing');
    await test.is('opened');
    t.match(await test.registry.getSingleMetricAsString('lpwan_bridge_subscriber_messages_not_stored_total'), /connection="c1",reason="store_unavailable"} 1/);
    await test.stop();
    t.equal(sandbox.stats().sessionsOpened, 2);
  });

  void t.test(`${name}: a store that fails makes the status say so, until it works`, async (t) => {
    const { endpoint, send } = await start(t);
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    test.store = () => Promise.reject(new BridgeError('downlink_queue_full'));
    send('1', '2', '3');
    await test.is('unreachable', 'downlink_queue_full');
    await until('some attempts', () => test.received.length >= 4);
    t.same([...new Set(test.received)], ['down/a 1'], 'nothing overtakes the one that failed');
    test.store = async () => undefined;
    await test.has(3);
    t.same(test.stored, ['1', '2', '3']);
    await test.is('opened');
    t.match(await test.registry.metrics(), /sessions_lost_total{connection="c1",reason="downlink_queue_full"} [1-9]/);
  });

  void t.test(`${name}: what is sent while it is away arrives after the restart`, async (t) => {
    for (const share of [{}, { shareName: 'bridge' }]) {
      const { endpoint, send } = await start(t);
      const test = startSubscriber(t, { endpoint, version, ...share });
      await test.is('opened');
      await test.stop();
      send('1', '2', '3');
      const again = startSubscriber(t, { endpoint, version, ...share });
      await again.has(3);
      t.same(again.stored, ['1', '2', '3']);
      await again.stop();
    }
  });

  void t.test(`${name}: a filter that changed is unsubscribed`, async (t) => {
    const { sandbox, endpoint } = await start(t);
    const test = startSubscriber(t, { endpoint, version, filter: 'old/+' });
    await test.is('opened');
    await test.stop();
    t.same(JSON.parse(await readFile(test.stateFile, 'utf8')), { clientId: 'bridge-0-c1-downlinks', filters: ['old/+'] });
    const changed = startSubscriber(t, { endpoint, version, filter: 'new/+' });
    await changed.is('opened');
    sandbox.publish({ topic: 'old/a', payload: 'stray' });
    sandbox.publish({ topic: 'new/a', payload: 'wanted' });
    await changed.has(1);
    t.same(changed.received, ['new/a wanted']);
    t.same(JSON.parse(await readFile(test.stateFile, 'utf8')), { clientId: 'bridge-0-c1-downlinks', filters: ['new/+'] });
  });

  void t.test(`${name}: from plain to shared and back no message comes twice, also when the state file is lost`, async (t) => {
    const { endpoint, send } = await start(t);
    const rows = [{}, { shareName: 'bridge' }, {}, { shareName: 'bridge' }, { formerShareName: 'bridge' }];
    for (const [index, share] of rows.entries()) {
      const stateFile = join(t.testdirName, index < 3 ? 'state.json' : `state-${index}.json`);
      const test = startSubscriber(t, { endpoint, version, stateFile, ...share });
      await test.is('opened');
      send('1', 'end');
      await until('the end', () => test.stored.includes('end'));
      await test.stop();
      t.same(test.stored, ['1', 'end'], JSON.stringify(share));
    }
  });

  void t.test(`${name}: a forbidden subscription is told as such and heals with the policy`, async (t) => {
    const policy = (resource: string) => ({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['iot:Connect', 'iot:Receive'], Resource: '*' }, { Effect: 'Allow', Action: 'iot:Subscribe', Resource: `arn:aws:iot:r:a:topicfilter/${resource}` }],
    });
    const { sandbox, endpoint, send } = await start(t, { policy: policy('other/*') });
    const test = startSubscriber(t, { endpoint, version });
    await test.is('unreachable', 'subscribe_refused');
    t.match(await test.registry.metrics(), /connect_failures_total{connection="c1",reason="subscribe_refused"} [1-9]/);
    t.notOk(test.log.some(({ state }) => state === 'opened'));
    sandbox.setPolicy(policy('down/*'));
    await test.is('opened');
    send('1');
    await test.has(1);
  });

  void t.test(`${name}: a broker that is cut and restored`, async (t) => {
    const { sandbox, endpoint, send } = await start(t);
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    await sandbox.cut();
    await test.is('unreachable', 'endpoint_unreachable');
    send('1');
    await sandbox.restore();
    await test.has(1);
    await test.is('opened');
    t.match(await test.registry.metrics(), /sessions_lost_total{connection="c1",reason="session_lost"} 1/);
  });

  void t.test(`${name}: a broker that falls silent is noticed by the keep-alive`, async (t) => {
    const { sandbox, endpoint, send } = await start(t);
    const test = startSubscriber(t, { endpoint, version, keepAliveMs: 1_000, connectTimeoutMs: 500 });
    await test.is('opened');
    sandbox.blackhole();
    await test.is('unreachable', 'connect_timeout');
    t.ok(test.log.some(({ reason, msg }) => reason === 'endpoint_unreachable' && msg === 'downlink session closed'));
    send('1');
    await sandbox.restore();
    await test.has(1);
    await test.is('opened');
  });
}

const stopsDuringStore = async (test: TestSubscriber, send: (payload: string) => void): Promise<() => void> => {
  await test.is('opened');
  let finish: () => void = () => undefined;
  const storing = new Promise<void>((resolve) => (finish = resolve));
  test.store = () => storing;
  send('1');
  await until('the store is at work', () => test.received.length === 1);
  return finish;
};

void t.test('stop waits for the message that is being stored, acknowledges it and takes no other', async (t) => {
  const { sandbox, endpoint, send } = await start(t);
  const test = startSubscriber(t, { endpoint });
  const finish = await stopsDuringStore(test, send);
  send('2');
  const left = nextNotice(sandbox, 'session-closed');
  const stopped = test.stop();
  finish();
  await stopped;
  t.match(await left, { reason: 'client_disconnect' });
  t.same(test.received, ['down/a 1']);
  const again = startSubscriber(t, { endpoint });
  await again.has(1);
  t.same(again.received, ['down/a 2']);
});

void t.test('stop ends at its deadline while the store hangs, and the message comes again', async (t) => {
  const { sandbox, endpoint, send } = await start(t);
  const test = startSubscriber(t, { endpoint });
  await stopsDuringStore(test, send);
  const left = nextNotice(sandbox, 'session-closed');
  await test.subscriber.stop(deadlineIn(50));
  t.match(test.subscriber.status(), { state: 'closed' });
  await left;
  const again = startSubscriber(t, { endpoint });
  await again.has(1);
  t.same(again.received, ['down/a 1']);
});

void t.test('stop while nothing answers', async (t) => {
  const { sandbox, endpoint } = await start(t);
  await sandbox.cut();
  const test = startSubscriber(t, { endpoint, reconnect: { minMs: 60_000, maxMs: 60_000 } });
  await test.is('unreachable', 'endpoint_unreachable');
  await test.stop();
  t.match(test.subscriber.status(), { state: 'closed' });
});

void t.test('a session that closes while a message is being stored does not give it to the store twice at once', async (t) => {
  const { sandbox, endpoint, send } = await start(t);
  const test = startSubscriber(t, { endpoint });
  const finish = await stopsDuringStore(test, send);
  t.equal(sandbox.disconnect('bridge-0-c1-downlinks'), true);
  await test.is('opening', 'session_lost');
  t.same(test.received, ['down/a 1']);
  finish();
  await test.has(2);
  t.same(test.stored, ['1', '1'], 'its PUBACK was lost, so AWS delivered it again');
});

void t.test('a message of QoS 0 that cannot be stored is lost, as its sender chose, and the session goes on', async (t) => {
  const { sandbox, endpoint, send } = await start(t);
  const test = startSubscriber(t, { endpoint });
  await test.is('opened');
  test.store = (_incoming, text) => (text === '0' ? Promise.reject(new Error('broken')) : Promise.resolve());
  sandbox.publish({ topic: 'down/a', payload: '0', qos: 0 });
  send('1');
  await test.has(1);
  t.same(test.received, ['down/a 0', 'down/a 1']);
  t.equal(sandbox.stats().sessionsOpened, 1);
  t.match(await test.registry.metrics(), /messages_not_stored_total{connection="c1",reason="internal_error"} 1/);
});

void t.test('another client with its id is named', async (t) => {
  const { sandbox, address, endpoint, send } = await start(t);
  const test = startSubscriber(t, { endpoint });
  await test.is('opened');
  const closed = nextNotice(sandbox, 'session-closed');
  await connectLibrary(t, address, { clientId: 'bridge-0-c1-downlinks', clean: false });
  t.match(await closed, { reason: 'duplicate_client_id' });
  await until('named', () => test.log.some(({ reason }) => reason === 'client_id_taken_over'));
  await test.is('opened');
  send('1');
  await test.has(1);
});

void t.test('two members of a group get each message once', async (t) => {
  const { endpoint, send } = await start(t);
  const members = [0, 1].map((slot) => startSubscriber(t, { endpoint, clientId: `bridge-${slot}-c1-downlinks`, shareName: 'bridge', stateFile: join(t.testdirName, `state-${slot}.json`) }));
  for (const member of members) await member.is('opened');
  const payloads = Array.from({ length: 60 }, (_, index) => String(index));
  send(...payloads);
  const stored = (): string[] => members.flatMap((member) => member.stored);
  await until('all', () => stored().length >= 60);
  for (const member of members) await member.stop();
  t.same(stored().sort((one, other) => Number(one) - Number(other)), payloads);
  t.ok(members.every((member) => member.stored.length > 0), 'both had some');
});

void t.test('a state file that is no such file counts as none and is replaced', async (t) => {
  for (const text of ['', '{"filters"', '{"clientId":"bridge-0-c1-downlinks","filters":["a/#/b"]}', '{"clientId":"bridge-0-c1-downlinks","filters":"down/+"}']) {
    const { endpoint, send } = await start(t);
    const stateFile = join(t.testdirName, 'state.json');
    await writeFile(stateFile, text);
    const test = startSubscriber(t, { endpoint, stateFile });
    await test.is('opened');
    send('1');
    await test.has(1);
    t.ok(test.log.some(({ msg }) => msg === 'subscription memory not readable'), text);
    t.match(JSON.parse(await readFile(stateFile, 'utf8')), { filters: ['down/+'] });
    await test.stop();
  }
});

void t.test('what another client id was subscribed to is not its own', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const test = startSubscriber(t, { endpoint, filter: 'old/+', stateFile: join(t.testdirName, 'new-folder', 'state.json') });
  await test.is('opened');
  await test.stop();
  const renamed = startSubscriber(t, { endpoint, filter: 'new/+', clientId: 'other-0-c1-downlinks', stateFile: test.stateFile });
  await renamed.is('opened');
  sandbox.publish({ topic: 'old/a', payload: 'kept' });
  t.same(JSON.parse(await readFile(test.stateFile, 'utf8')), { clientId: 'other-0-c1-downlinks', filters: ['new/+'] });
  const first = startSubscriber(t, { endpoint, filter: 'old/+', stateFile: join(t.testdirName, 'first.json') });
  await first.has(1);
  // It writes its state file until then, into the folder that goes with the test.
  await first.is('opened');
});

void t.test('a state file that cannot be written does not stop the downlinks', async (t) => {
  const { endpoint, send } = await start(t);
  await writeFile(join(t.testdirName, 'file'), '');
  const test = startSubscriber(t, { endpoint, stateFile: join(t.testdirName, 'file', 'state.json') });
  await test.is('opened');
  send('1');
  await test.has(1);
  t.ok(test.log.some(({ msg }) => msg === 'subscription memory not written'));
});

void t.test('how long the session is kept is told when it is less than asked, and warned of below an hour', async (t) => {
  const rows = [
    { sessionExpirySeconds: 3_600, level: 30, msg: 'downlink session expiry lowered' },
    { sessionExpirySeconds: 600, level: 40, msg: 'downlink session is kept for less than an hour' },
  ];
  for (const { sessionExpirySeconds, level, msg } of rows) {
    const { sandbox, endpoint } = await start(t, { limits: { sessionExpirySeconds } });
    const test = startSubscriber(t, { endpoint });
    await test.is('opened');
    sandbox.disconnect('bridge-0-c1-downlinks');
    await until('opened again', () => sandbox.stats().sessionsOpened === 2 && test.subscriber.status().state === 'opened');
    t.match(test.log.filter((line) => line['msg'] === msg), [{ level, detail: `asked for 604800 s, granted ${sessionExpirySeconds} s` }], 'once');
    await test.stop();
  }
});

void t.test('every series starts at zero', async (t) => {
  const { endpoint } = await start(t);
  const test = startSubscriber(t, { endpoint });
  await test.is('opened');
  const text = await test.registry.metrics();
  t.match(text, /lpwan_bridge_subscriber_messages_received_total{connection="c1"} 0/);
  t.match(text, /lpwan_bridge_subscriber_opened{connection="c1"} 1/);
  for (const reason of ['subscribe_refused', 'connect_timeout']) t.match(text, new RegExp(`connect_failures_total{connection="c1",reason="${reason}"} 0`));
  test.store = () => never;
});
