import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import type { DownlinkLife, DownlinkStep } from '../../src/downlink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { downlinkId } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const lifeOf = (name: string, more: Partial<DownlinkLife> = {}): Omit<DownlinkLife, 'steps'> => ({ downlinkId: downlinkId(name), connectionId: 'main', deviceId: 'd', ...more });
const step = (state: DownlinkStep['state'], attempt: number, more: Partial<DownlinkStep> = {}): DownlinkStep => ({ state, attempt, time: 1_000 + attempt, ...more });

/** What every adapter must remember of the lives of downlinks. The opener is that of `downlink-store.ts`. */
export const livesContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('the life of a downlink is told step by step, also after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.equal(await store.lives.find(downlinkId('a')), undefined);
    const life = lifeOf('a', { correlationId: 'order «é» 7', networkServerId: 'factory' });
    const first = [step('queued', 0), step('queued', 1, { cause: { code: 'network_server_busy', text: 'HTTP 503' } }), step('submitted', 2)];
    for (const one of first) store.lives.note(life, one);
    store.lives.note(lifeOf('b'), step('rejected', 0, { cause: { code: 'unknown_device' } }));
    await until('it is known', async () => isDeepStrictEqual(await store.lives.find(life.downlinkId), { ...life, steps: first }));
    const again = await reopened(t, place, store);
    t.strictSame(await again.lives.find(life.downlinkId), { ...life, steps: first });
    again.lives.note(life, step('acknowledged', 2));
    await until('the new step is known', async () => (await again.lives.find(life.downlinkId))?.steps.length === 4);
    t.same((await again.lives.find(life.downlinkId))?.steps.map(({ state }) => state), ['queued', 'queued', 'submitted', 'acknowledged']);
    t.strictSame(await again.lives.find(downlinkId('b')), { ...lifeOf('b'), steps: [step('rejected', 0, { cause: { code: 'unknown_device' } })] });
  });
  await t.test('the same state and attempt again changes nothing, also after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const twice = (notes: typeof store.lives): void => {
      notes.note(lifeOf('a'), step('queued', 0));
      notes.note(lifeOf('a'), step('queued', 0, { time: 9_999, cause: { code: 'later' } }));
    };
    twice(store.lives);
    const again = await reopened(t, place, store);
    twice(again.lives);
    again.lives.note(lifeOf('a'), step('sent', 1));
    await until('the last step is known', async () => (await again.lives.find(downlinkId('a')))?.steps.length === 2);
    t.strictSame((await again.lives.find(downlinkId('a')))?.steps, [step('queued', 0), step('sent', 1)]);
  });
  await t.test('what is learned later about a downlink is added to its life', async (t) => {
    const store = await opened(t, await newPlace(t));
    store.lives.note(lifeOf('a', { correlationId: 'c' }), step('queued', 0));
    store.lives.note(lifeOf('a', { networkServerId: 'city' }), step('submitted', 1));
    await until('both are known', async () => (await store.lives.find(downlinkId('a')))?.steps.length === 2);
    t.match(await store.lives.find(downlinkId('a')), { correlationId: 'c', networkServerId: 'city' });
  });
  await t.test('of more than 64 steps the last are kept', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    for (let attempt = 0; attempt < 50; attempt += 1) store.lives.note(lifeOf('a'), step('queued', attempt));
    const again = await reopened(t, place, store);
    for (let attempt = 50; attempt < 100; attempt += 1) again.lives.note(lifeOf('a'), step('queued', attempt));
    const attempts = async (): Promise<number[]> => ((await again.lives.find(downlinkId('a')))?.steps ?? []).map(({ attempt }) => attempt);
    await until('the last is known', async () => (await attempts()).includes(99));
    t.same(await attempts(), Array.from({ length: 64 }, (_, index) => 36 + index));
  });
  await t.test('thousands of lives noted in one moment are all remembered', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const names = Array.from({ length: 2_000 }, (_, index) => `life-${index}`);
    for (const name of names) store.lives.note(lifeOf(name), step('queued', 0));
    for (const name of names) store.lives.note(lifeOf(name), step('submitted', 1));
    const again = await reopened(t, place, store);
    const found = await Promise.all(names.map((name) => again.lives.find(downlinkId(name))));
    t.equal(found.filter((life) => life?.steps.length === 2).length, names.length);
  });
};
