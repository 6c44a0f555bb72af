import type { Test } from 'tap';
import { createHome, type BridgeHome, type TestBridge } from './bridge.js';
import type { TestBroker } from './broker.js';
import { countOf, everythingArrived, judge, runLoad, type Accepted } from './load.js';

/** Pacing off: brokers without AWS's quota, full speed. */
export const unpaced = { publishesPerSecondPerClient: 0, bytesPerSecondPerClient: 0 };

export interface Scene {
  readonly broker: TestBroker;
  readonly home: BridgeHome;
}

/** A broker and the home of a bridge; both end with the test. */
export const setScene = async (t: Test, startBroker: () => Promise<TestBroker>, configuration: object = {}): Promise<Scene> => {
  const broker = await startBroker();
  t.teardown(() => broker.stop());
  const home = await createHome(broker, configuration);
  t.teardown(() => home.remove());
  return { broker, home };
};

export const startIn = async (t: Test, { home }: Scene): Promise<TestBridge> => {
  const bridge = await home.start();
  t.teardown(() => bridge.kill());
  return bridge;
};

const merge = (a: Accepted, b: Accepted): Accepted => {
  const merged: Accepted = new Map([...a].map(([devEui, list]) => [devEui, [...list]]));
  for (const [devEui, list] of b) merged.set(devEui, [...(merged.get(devEui) ?? []), ...list]);
  return merged;
};

/** Everything accepted has arrived, nothing out of order. */
export const expectAll = async (t: Test, { broker }: Scene, accepted: Accepted): Promise<void> => {
  await broker.received.until('the arrival of everything accepted', everythingArrived(accepted), 90_000);
  t.match(judge(accepted, broker.received.all), { lost: 0, outOfOrder: 0, accepted: countOf(accepted) });
};

/** The books of promise 1 balance. */
export const expectBalance = async (t: Pick<Test, 'ok' | 'equal'>, bridge: TestBridge): Promise<void> => {
  const { body } = await bridge.private('/metrics');
  const sum = (start: string): number => body.split('\n').filter((line) => line.startsWith(start)).reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  const connection = (...names: readonly string[]): number => names.reduce((total, name) => total + sum(`lpwan_bridge_outbox_${name}{`), 0);
  for (const name of ['received', 'accepted', 'duplicate', 'filtered', 'rejected']) t.ok(body.includes(`lpwan_bridge_messages_${name}_total{`), `${name} is exported`);
  t.equal(sum('lpwan_bridge_messages_received_total{'), ['accepted', 'duplicate', 'filtered', 'rejected'].reduce((total, name) => total + sum(`lpwan_bridge_messages_${name}_total{`), 0), 'received = accepted + duplicate + filtered + rejected');
  const inside = ['accepted_total', 'restored_total', 'replayed_total'];
  const outside = ['delivered_total', 'expired_total', 'parked_total', 'pending_messages', 'moved_total'];
  const figures = [...inside, ...outside].map((name) => `${name} ${connection(name)}`).join(', ');
  t.equal(connection(...inside), connection(...outside), `accepted + restored + replayed = delivered + expired + parked + pending + moved (${figures})`);
};

/** kill -9 in the middle of 1,000 uplinks, then a restart. */
export const survivesKill = async (t: Test, startBroker: () => Promise<TestBroker>): Promise<void> => {
  const scene = await setScene(t, startBroker);
  const first = await startIn(t, scene);
  let killed: Promise<void> | undefined;
  const before = await runLoad(first, { devices: 50, count: 1_000, answered: (index) => void (index === 400 && (killed = first.kill())) });
  await killed;
  t.ok(countOf(before) > 100, `${countOf(before)} webhooks were answered before the kill`);
  t.ok(countOf(before) < 1_000, 'the kill came in the middle');
  const second = await startIn(t, scene);
  const after = await runLoad(second, { devices: 50, count: 100, from: 1_000 });
  t.equal(countOf(after), 100);
  await expectAll(t, scene, merge(before, after));
  await expectBalance(t, second);
  t.equal(await second.stop(), 0);
};

/** AWS away under load, by `away`; back after the load. Everything was answered 2xx meanwhile and arrives afterwards, in order. */
export const survivesOutage = async (t: Test, startBroker: () => Promise<TestBroker>, away: 'cut' | 'blackhole'): Promise<void> => {
  const scene = await setScene(t, startBroker, { publishTimeout: '1s', connectTimeout: '1s' });
  const bridge = await startIn(t, scene);
  const before = await runLoad(bridge, { devices: 20, count: 200, perSecond: 200 });
  await scene.broker[away]();
  const during = await runLoad(bridge, { devices: 20, count: 1_000, perSecond: 200, from: 100 });
  t.equal(countOf(during), 1_000, 'every webhook was answered 2xx while AWS was away');
  t.equal((await bridge.private('/ready')).status, 200, 'an AWS outage does not take the ingress away');
  t.match(JSON.parse((await bridge.private('/health')).body), { status: 'degraded', problems: [{ component: 'connection main' }] });
  await scene.broker.restore();
  await expectAll(t, scene, merge(before, during));
  await expectBalance(t, bridge);
  t.equal(await bridge.stop(), 0);
};

/** SIGTERM under load: what was accepted arrives, none twice, exit code 0; a second start continues. */
export const stopsCleanly = async (t: Test, startBroker: () => Promise<TestBroker>): Promise<void> => {
  const scene = await setScene(t, startBroker, unpaced);
  const first = await startIn(t, scene);
  let code: Promise<unknown> | undefined;
  const before = await runLoad(first, { devices: 50, count: 1_000, answered: (index) => void (index === 400 && (code = first.stop())) });
  t.equal(await code, 0);
  const second = await startIn(t, scene);
  const after = await runLoad(second, { devices: 50, count: 100, from: 1_000 });
  const all = merge(before, after);
  await expectAll(t, scene, all);
  t.equal(judge(all, scene.broker.received.all).duplicates, 0, 'nothing was sent twice');
  t.equal(await second.stop(), 0);
};

/** Full speed without pacing, at least two uplinks of each device: all arrives in order. */
export const keepsOrder = async (t: Test, startBroker: () => Promise<TestBroker>, devices: number, misbehave?: (broker: TestBroker) => Promise<unknown>): Promise<void> => {
  const scene = await setScene(t, startBroker, { ...unpaced, publishTimeout: '300ms' });
  await misbehave?.(scene.broker);
  const bridge = await startIn(t, scene);
  const count = Math.max(2_000, 2 * devices);
  const accepted = await runLoad(bridge, { devices, count, parallel: 20 });
  t.equal(countOf(accepted), count);
  await expectAll(t, scene, accepted);
  await expectBalance(t, bridge);
  t.equal(await bridge.stop(), 0);
};
