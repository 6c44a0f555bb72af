import t from 'tap';
import { startSandbox, type TestBroker } from './support/broker.js';
import { devEuiOf, judge, postUplink, runLoad } from './support/load.js';
import { expectBalance, setScene, startIn } from './support/scenarios.js';

const sandbox = (): Promise<TestBroker> => startSandbox();
const badDevice = devEuiOf(7);
const badTopic = `tpx/things/${badDevice.toUpperCase()}/uplink`;

for (const [name, rule] of [
  ['closes the session on', { action: 'close' }],
  ['answers PUBACK 0x87 to', { action: 'refuse-publish', reasonCode: 0x87 }],
] as const) {
  void t.test(`when AWS ${name} one topic, its messages are parked and all others flow`, async (t) => {
    const scene = await setScene(t, sandbox, { reconnect: { min: '50ms', max: '200ms' } });
    await scene.broker.control({ do: 'misbehave', rules: [{ ...rule, filter: badTopic }] });
    const bridge = await startIn(t, scene);
    const accepted = await runLoad(bridge, { devices: 20, count: 400, perSecond: 200 });
    const good = new Map([...accepted].filter(([devEui]) => devEui !== badDevice));
    await scene.broker.received.until('the others', (all) => judge(good, all).lost === 0);
    const settled = async (): Promise<boolean> => (await bridge.metric('lpwan_bridge_outbox_pending_messages{connection="main"}')) === 0;
    const deadline = performance.now() + 60_000;
    while (!(await settled()) && performance.now() < deadline) await bridge.private('/live');
    t.match(judge(good, scene.broker.received.all), { lost: 0, outOfOrder: 0 });
    t.equal(await bridge.metric('lpwan_bridge_outbox_parked_total{connection="main",reason="publish_forbidden"}'), 20, 'every message of the forbidden topic is parked, with its reason');
    const lost = await bridge.metric('lpwan_bridge_sessions_lost_total{connection="main",reason="session_lost"}');
    t.ok(lost <= 20, `${lost} sessions were closed for it`);
    await expectBalance(t, bridge);
    t.equal(await bridge.stop(), 0);
  });
}

void t.test('when everything is forbidden the connection is held, nothing is parked, and all flows once it is allowed', async (t) => {
  const scene = await setScene(t, sandbox, { reconnect: { min: '50ms', max: '200ms' } });
  await scene.broker.control({ do: 'misbehave', rules: [{ action: 'close' }] });
  const bridge = await startIn(t, scene);
  const accepted = await runLoad(bridge, { devices: 5, count: 25, parallel: 5 });
  const held = async (): Promise<boolean> => (await bridge.metric('lpwan_bridge_connection_held{connection="main"}')) === 1;
  const deadline = performance.now() + 60_000;
  while (!(await held()) && performance.now() < deadline) await bridge.private('/live');
  t.ok(await held());
  t.match(JSON.parse((await bridge.private('/health')).body), { status: 'degraded' });
  t.match((await bridge.private('/health')).body, /connection_held/);
  t.equal((await bridge.private('/ready')).status, 200);
  await scene.broker.control({ do: 'misbehave', rules: [] });
  await scene.broker.received.until('everything', (all) => judge(accepted, all).lost === 0, 90_000);
  t.match(judge(accepted, scene.broker.received.all), { lost: 0, outOfOrder: 0, accepted: 25 });
  t.equal(await bridge.metric('lpwan_bridge_outbox_parked_total{connection="main",reason="publish_forbidden"}'), 0);
  t.equal(await postUplink(bridge, badDevice, 99), 204);
  t.equal(await bridge.stop(), 0);
});
