/** What devices leave out is counted apart from the books of the bridge. */
import t, { type Test } from 'tap';
import { startRedisServer } from '../support/redis-server.js';
import { openConnection, postUplink, setLiveScene, startLiveBridge, untilState, type LiveScene } from './support/live-scene.js';
import { expectBalance } from './support/scenarios.js';

const devEui = '0018b20000000001';
const series = (name: string): string => `lpwan_bridge_${name}{network_server="thingpark"}`;

const post = async (t: Test, bridge: LiveScene['bridge'], ...fCnts: readonly number[]): Promise<void> => {
  for (const fCnt of fCnts) t.equal(await postUplink(bridge, { devEui, fCnt }), 204);
};

void t.test('a gap of the radio is counted, and the bridge has lost nothing', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker, home } = scene;
  const id = await openConnection(scene);
  await post(t, bridge, 10, 11, 14, 15);
  await broker.received.until('the four uplinks', (all) => all.filter(({ topic }) => topic === `tpx/things/${devEui.toUpperCase()}/uplink`).length === 4, 20_000);
  t.equal(await bridge.metric(series('fcnt_missing_total')), 2);
  t.equal(await bridge.metric(series('fcnt_late_total')), 0);
  t.equal(await bridge.metric(series('fcnt_resets_total')), 0);
  t.equal(await bridge.metric(series('devices_silent')), 0);
  t.equal(await bridge.metric(series('messages_accepted_total')), 4);
  await expectBalance(t, bridge);
  t.match(JSON.parse((await bridge.private('/health')).body), { status: 'ok' }, 'what the radio loses is no fault of the bridge');

  t.equal(await bridge.stop(), 0);
  const again = await startLiveBridge(t, home);
  await untilState(again, id, 'OPENED');
  await post(t, again, 40);
  t.equal(await again.metric(series('fcnt_missing_total')), 0, 'what came while the bridge was stopped is not known to be missing');
});

void t.test('of several bridges each hears a part: with Redis nothing is taken for missing', async (t) => {
  const redis = await startRedisServer();
  t.teardown(() => redis.stop());
  const { bridge } = await setLiveScene(t, { file: { redis: { url: redis.url } } });
  const { status, body } = await bridge.private('/metrics');
  t.equal(status, 200);
  t.match(body, series('messages_accepted_total'));
  t.notMatch(body, /lpwan_bridge_(fcnt_|devices_silent)/);
});
