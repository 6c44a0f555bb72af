import t from 'tap';
import { createSendGate } from '../../src/downlink/send-gate.js';

/** Holds the event loop, as a busy processor or a garbage collection does. */
const standStill = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until; );
};

const mostIn = (times: readonly number[], ms: number): number => Math.max(...times.map((start) => times.filter((time) => time >= start && time < start + ms).length));

void t.test('no second holds more than the rate, also when all come at once and the process stands still meanwhile', async (t) => {
  const gate = createSendGate(() => 100);
  const times: number[] = [];
  const leaving = Array.from({ length: 150 }, () => gate('main').then(() => void times.push(performance.now())));
  for (const after of [20, 60, 100]) {
    await leaving[after];
    standStill(150);
  }
  await Promise.all(leaving);
  t.equal(times.length, 150);
  t.ok(mostIn(times, 1_000) <= 100, `${mostIn(times, 1_000)} in the fullest second`);
  t.ok(mostIn(times, 100) <= 12, `${mostIn(times, 100)} in the fullest tenth of a second`);
});

void t.test('a connection does not wait for another one', async (t) => {
  const gate = createSendGate((id) => (id === 'slow' ? 2 : 100));
  const order: string[] = [];
  await gate('slow');
  await Promise.all([gate('slow').then(() => order.push('slow')), gate('a').then(() => order.push('a')), gate('b').then(() => order.push('b'))]);
  t.same(order, ['a', 'b', 'slow']);
});
