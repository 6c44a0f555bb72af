import t from 'tap';
import type { Endpoint } from '../../src/aws/endpoint.js';
import type { SandboxNotice } from '../../src/sandbox/books.js';
import { connectLibrary, startSandbox } from '../sandbox/support/harness.js';
import { until } from '../support/until.js';
import { startCollector } from './support/collector.js';
import { signedEndpointOf } from './support/signed-endpoint.js';
import { endpointOf, startSubscriber } from './support/subscriber.js';

type Test = Parameters<typeof startSandbox>[0];

const clientId = 'bridge-0-c1-downlinks';
const limits = { storedPerSecond: 0, publishesPerSecond: 0, minKeepAliveSeconds: 1 };

const start = async (t: Test, changes: Partial<typeof limits> = {}) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0, limits: { ...limits, ...changes } });
  const opened: Extract<SandboxNotice, { kind: 'session-opened' }>[] = [];
  sandbox.onNotice((notice) => {
    if (notice.kind === 'session-opened') opened.push(notice);
  });
  const send = (...payloads: string[]): void => {
    for (const payload of payloads) sandbox.publish({ topic: 'down/a', payload });
  };
  return { sandbox, address, endpoint: endpointOf(address.port, address), opened, send };
};

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => String(from + index));

/** A replica that subscribes and is gone. */
const leaveBehind = async (t: Test, options: { endpoint: Endpoint; version?: 4 | 5; shareName?: string }): Promise<void> => {
  const gone = startSubscriber(t, options);
  await gone.is('opened');
  await gone.stop();
};

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: what waits is collected in order, and nothing is queued afterwards`, async (t) => {
    for (const share of [{}, { shareName: 'bridge' }]) {
      const { endpoint, opened, send } = await start(t);
      await leaveBehind(t, { endpoint, version, ...share });
      send(...numbers(0, 50));
      const collector = startCollector(t, { endpoint, version, ...share });
      await collector.done;
      t.same(collector.stored, numbers(0, 50), JSON.stringify(share));
      t.match(collector.log, [{ msg: 'collected the downlinks of a replica that is gone', detail: '50 came', client_id: clientId }]);
      send('late');
      const again = startSubscriber(t, { endpoint, version, ...share });
      await again.is('opened');
      send('new');
      await again.has(1);
      t.same(again.stored, ['new'], 'the session was ended');
      t.match(opened.map(({ sessionPresent }) => sessionPresent), [false, true, false, false]);
      await again.stop();
    }
  });

  void t.test(`${name}: a replica that hangs is disconnected, and what it had not acknowledged is collected`, async (t) => {
    const { address, endpoint, send } = await start(t);
    const zombie = await connectLibrary(t, address, { clientId, clean: false, protocolVersion: version, properties: { sessionExpiryInterval: 3_600 } });
    zombie.handleMessage = () => undefined;
    await zombie.subscribeAsync('$share/bridge/down/+', { qos: 1 });
    send(...numbers(0, 5));
    const collector = startCollector(t, { endpoint, version, shareName: 'bridge' });
    await collector.done;
    t.notOk(zombie.connected);
    t.same([...collector.stored].sort(), numbers(0, 5));
  });

  void t.test(`${name}: beside live replicas each downlink arrives once`, async (t) => {
    const { endpoint, send } = await start(t);
    await leaveBehind(t, { endpoint, version, shareName: 'bridge' });
    send(...numbers(0, 20));
    const live = startSubscriber(t, { endpoint, version, shareName: 'bridge', clientId: 'bridge-1-c1-downlinks', stateFile: `${t.testdirName}/live.json` });
    const collector = startCollector(t, { endpoint, version, shareName: 'bridge' });
    await live.is('opened');
    let sent = 20;
    const sending = setInterval(() => {
      send(String(sent));
      sent += 1;
      if (sent === 60) clearInterval(sending);
    }, 10);
    t.teardown(() => clearInterval(sending));
    await until('all were sent', () => sent === 60);
    await collector.done;
    send(...numbers(60, 80));
    const all = (): string[] => [...live.stored, ...collector.stored];
    await until('all', () => all().length >= 80);
    t.same(all().sort((one, other) => Number(one) - Number(other)), numbers(0, 80));
  });

  void t.test(`${name}: where nothing was kept there is nothing to do`, async (t) => {
    const { sandbox, endpoint } = await start(t);
    const collector = startCollector(t, { endpoint, version });
    await collector.done;
    t.same(collector.stored, []);
    t.equal(sandbox.stats().sessionsOpened, 1);
  });
}

void t.test('over WebSocket, while AWS gives back what it stored a few a second', async (t) => {
  const { address, send } = await start(t, { storedPerSecond: 10 });
  const endpoint = signedEndpointOf(address);
  await leaveBehind(t, { endpoint, shareName: 'bridge' });
  send(...numbers(0, 15));
  const collector = startCollector(t, { endpoint, shareName: 'bridge' }, { quietMs: 1_500 });
  await collector.done;
  t.same(collector.stored, numbers(0, 15));
});

void t.test('what cannot be stored stays at AWS until it can', async (t) => {
  const { endpoint, send } = await start(t);
  await leaveBehind(t, { endpoint });
  send(...numbers(0, 10));
  let failures = 0;
  const collector = startCollector(t, { endpoint }, {
    async store(text) {
      if (text !== '4' || failures === 5) return;
      failures += 1;
      throw new Error('broken');
    },
  });
  await collector.done;
  t.same(collector.stored, numbers(0, 10));
  t.match(await collector.registry.metrics(), /messages_not_stored_total{connection="c1",reason="internal_error"} 5/);
});

void t.test('the endpoint away and silent: it goes on when it is back, and nothing is lost', async (t) => {
  const { sandbox, endpoint, send } = await start(t);
  await leaveBehind(t, { endpoint });
  send(...numbers(0, 10));
  let cut = false;
  const collector = startCollector(t, { endpoint, connectTimeoutMs: 300 }, {
    async store(text) {
      if (text !== '5' || cut) return;
      cut = true;
      await sandbox.cut();
    },
  });
  await until('it is tried again', () => collector.log.some(({ reason }) => reason === 'endpoint_unreachable'));
  await sandbox.restore();
  await collector.has(10);
  sandbox.blackhole();
  await until('the silence is noticed', () => collector.log.some(({ reason }) => reason === 'connect_timeout'));
  await sandbox.restore();
  await collector.done;
  t.same([...new Set(collector.stored)].sort(), numbers(0, 10));
  t.match(await collector.registry.metrics(), /connect_failures_total{connection="c1",reason="endpoint_unreachable"} [1-9]/);
});

void t.test('aborted while downlinks keep coming: what is left is left at AWS', async (t) => {
  const { endpoint, opened, send } = await start(t);
  await leaveBehind(t, { endpoint });
  const collector = startCollector(t, { endpoint }, { quietMs: 60_000 });
  await until('it is there', () => opened.length === 2);
  send('1');
  await collector.has(1);
  collector.abort(new Error('enough'));
  await t.rejects(collector.done, { message: 'enough' });
  send('2');
  const again = startCollector(t, { endpoint });
  await again.done;
  t.same(again.stored, ['2']);
});

void t.test('aborted while nothing answers, and before it began', async (t) => {
  const { sandbox, endpoint } = await start(t);
  await sandbox.cut();
  const waiting = startCollector(t, { endpoint, reconnect: { minMs: 60_000, maxMs: 60_000 } });
  await until('it waits', () => waiting.log.length === 1);
  waiting.abort(new Error('enough'));
  await t.rejects(waiting.done, { message: 'enough' });
});
