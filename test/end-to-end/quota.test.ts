import t from 'tap';
import { startSandbox } from './support/broker.js';
import { countOf, runLoad } from './support/load.js';
import { expectAll, expectBalance, setScene, startIn } from './support/scenarios.js';

interface Stats {
  readonly discarded: Readonly<Record<string, number>>;
  readonly sessionsClosed: Readonly<Record<string, number>>;
  readonly sessionsOpened: number;
}

/** The same for a minute: `QUOTA_SECONDS=60 npm test -- quota`. */
const seconds = Number(process.env['QUOTA_SECONDS'] ?? 5);

void t.test('900 uplinks a second pass a broker that enforces 100 a second for each session', async (t) => {
  const scene = await setScene(t, () => startSandbox(), { idleTimeout: '3s' });
  const bridge = await startIn(t, scene);
  const stats = async (): Promise<Stats> => (await scene.broker.control({ do: 'stats' }))['stats'] as Stats;
  const accepted = await runLoad(bridge, { devices: 500, count: 900 * seconds, perSecond: 900 });
  t.equal(countOf(accepted), 900 * seconds);
  await expectAll(t, scene, accepted);
  const after = await stats();
  t.strictSame(after.discarded, {}, 'nothing was discarded by the broker');
  t.strictSame(after.sessionsClosed, {}, 'no session was closed');
  t.equal(await bridge.metric('lpwan_bridge_sessions_lost_total{connection="main",reason="session_lost"}'), 0, 'no session was closed by the broker');
  t.ok(after.sessionsOpened > 8, `${after.sessionsOpened} sessions shared the load`);
  const isOne = async (): Promise<boolean> => (await bridge.metric('lpwan_bridge_sessions_open{connection="main"}')) === 1;
  const deadline = performance.now() + 30_000;
  while (!(await isOne()) && performance.now() < deadline) await bridge.private('/live');
  t.ok(await isOne(), 'one session again after idling');
  await expectBalance(t, bridge);
  t.equal(await bridge.stop(), 0);
});
