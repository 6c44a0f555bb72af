import t, { type Test } from 'tap';
import { holdSubmissions, type HeldSubmissions } from '../../src/downlink/held-submissions.js';
import type { SubmittedDownlinks } from '../../src/downlink/ports.js';
import { BridgeError } from '../../src/errors.js';
import { rejectsWith } from '../contracts/downlink-store-opened.js';
import { newDownlink, newSubmitted } from '../contracts/downlink-store-samples.js';
import { until } from '../support/until.js';
import { openDownlinkRoom } from './support/downlink-room.js';
import { createTestEarlyReports } from './support/test-early-reports.js';
import { createTestTarget } from './support/test-target.js';

interface Scene {
  readonly held: HeldSubmissions;
  readonly store: SubmittedDownlinks;
  away: boolean;
}

/** A store that can be away. */
const setScene = async (t: Test, bound?: number): Promise<Scene> => {
  const { store: { submitted: store } } = await openDownlinkRoom(t, { targets: [createTestTarget('ns', 'chirpstack')] });
  const orAway = <T>(work: () => Promise<T>): Promise<T> => (scene.away ? Promise.reject(new BridgeError('store_unavailable')) : work());
  const submitted: SubmittedDownlinks = { put: (one) => orAway(() => store.put(one)), of: (id) => orAway(() => store.of(id)), remove: (device, id) => orAway(() => store.remove(device, id)) };
  const held = holdSubmissions({ submitted, retryMs: 5, ...(bound === undefined ? {} : { bound }) });
  t.teardown(() => held.close());
  const scene: Scene = { held, store, away: false };
  return scene;
};

const [a, b] = [newSubmitted(newDownlink('a', 'd')), newSubmitted(newDownlink('b', 'd'))];

void t.test('while the store is there it is as if nothing stood before it', async (t) => {
  const { held, store } = await setScene(t);
  await held.put({ ...a, state: 'queued' });
  await held.put(a);
  await held.put(b);
  t.same(await held.of('d'), await store.of('d'));
  t.same(await held.known('d'), [a, b]);
  await held.remove('d', a.downlink.id);
  t.same(await store.of('d'), [b]);
});

void t.test('what could not be noted is known at once, and noted when the store is back', async (t) => {
  const scene = await setScene(t);
  const { held, store } = scene;
  await held.put(a);
  scene.away = true;
  await held.put(b);
  await held.put({ ...a, state: 'sent' });
  await rejectsWith(t, held.of('d'), 'store_unavailable');
  t.same((await held.known('d')).map(({ downlink, state }) => [downlink.correlationId, state]), [['b', 'submitted'], ['a', 'sent']]);
  await rejectsWith(t, held.known('other'), 'store_unavailable');
  scene.away = false;
  t.same((await held.of('d')).map(({ downlink, state }) => [downlink.correlationId, state]), [['a', 'sent'], ['b', 'submitted']], 'also before it is noted');
  await until('it is noted', async () => (await store.of('d')).length === 2 && (await store.of('d'))[0]?.state === 'sent');
  t.same(await store.of('d'), [{ ...a, state: 'sent' }, b], 'the first put keeps its place');
});

void t.test('a removal waits too, and a later put wins over it', async (t) => {
  const scene = await setScene(t);
  const { held, store } = scene;
  await held.put(a);
  await held.put(b);
  scene.away = true;
  await held.remove('d', a.downlink.id);
  await held.remove('d', b.downlink.id);
  await held.put(b);
  t.same(await held.known('d'), [b]);
  scene.away = false;
  t.same(await held.of('d'), [b]);
  await until('both are noted', async () => (await store.of('d')).length === 1);
  t.same(await store.of('d'), [b]);
});

void t.test('what is noted before an attempt is refused while the store is away', async (t) => {
  const scene = await setScene(t);
  scene.away = true;
  await rejectsWith(t, scene.held.put({ ...a, state: 'queued' }), 'store_unavailable');
});

void t.test('memory is bounded, and closing writes what waits', async (t) => {
  const scene = await setScene(t, 2);
  scene.away = true;
  for (const name of ['1', '2', '3']) await scene.held.put(newSubmitted(newDownlink(name, name)));
  await rejectsWith(t, scene.held.known('1'), 'store_unavailable');
  t.equal((await scene.held.known('3')).length, 1);
  scene.away = false;
  await scene.held.close();
  t.same([(await scene.store.of('1')).length, (await scene.store.of('2')).length, (await scene.store.of('3')).length], [0, 1, 1]);
});

void t.test('early reports are looked for when the submission is noted, not before', async (t) => {
  const { store: { submitted: store } } = await openDownlinkRoom(t, { targets: [createTestTarget('ns', 'chirpstack')] });
  let away = true;
  const early = createTestEarlyReports(store);
  const held = holdSubmissions({ submitted: { ...store, early, put: (one) => (away ? Promise.reject(new BridgeError('store_unavailable')) : store.put(one)) }, retryMs: 5 });
  t.teardown(() => held.close());
  early.turn = a.downlink.id;
  const report = { networkServerId: 'ns', fields: { type: 'downlink-status', deviceId: 'd', state: 'sent' } } as const;
  await held.early?.keep(report, ['x']);
  await held.put(a);
  const look = async (): Promise<unknown> => held.early?.of(a.downlink.id);
  await rejectsWith(t, look(), 'store_unavailable');
  away = false;
  await until('it is noted', async () => (await store.of('d')).length === 1);
  await until('they are found', () => look().then(() => true, () => false));
  t.same(await look(), [report]);
});
