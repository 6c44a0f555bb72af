import t from 'tap';
import { createConnectGate } from '../../src/aws/connect-gate.js';
import { until } from '../support/until.js';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise(setImmediate);

void t.test('so many at a time, the rest in the order in which they came', async (t) => {
  const gate = createConnectGate({ atOnce: 2, holdMs: 60_000 });
  const leave: ((connected: boolean) => void)[] = [];
  const inside: number[] = [];
  for (let number = 1; number <= 4; number += 1) {
    void gate.enter('good:1', never).then((left) => {
      inside.push(number);
      leave.push(left);
    });
  }
  await turn();
  t.same(inside, [1, 2]);
  leave.shift()?.(true);
  await turn();
  t.same(inside, [1, 2, 3]);
  leave.shift()?.(true);
  await turn();
  t.same(inside, [1, 2, 3, 4]);
});

void t.test('a slow connect gives its place away', async (t) => {
  const gate = createConnectGate({ atOnce: 1, holdMs: 20 });
  const late = await gate.enter('dead:1', never);
  let leave: ((connected: boolean) => void) | undefined;
  void gate.enter('good:1', never).then((left) => (leave = left));
  await until('the place', () => leave !== undefined);
  leave?.(true);
  late(true);
  (await gate.enter('good:1', never))(true);
  t.pass('leaving twice frees one place only once');
});

void t.test('addresses that failed share half of the places, so a dead one keeps nobody waiting', async (t) => {
  const gate = createConnectGate({ atOnce: 4, holdMs: 60_000 });
  (await gate.enter('dead:1', never))(false);
  let dead = 0;
  let good = 0;
  for (let count = 0; count < 10; count += 1) void gate.enter('dead:1', never).then(() => (dead += 1));
  await turn();
  t.equal(dead, 2);
  for (let count = 0; count < 2; count += 1) void gate.enter(`good:${count}`, never).then(() => (good += 1));
  await turn();
  t.equal(good, 2, 'past eight that wait');
});

void t.test('an address that answered again is as good as any', async (t) => {
  const gate = createConnectGate({ atOnce: 2, holdMs: 60_000 });
  (await gate.enter('a:1', never))(false);
  (await gate.enter('a:1', never))(true);
  let inside = 0;
  for (let count = 0; count < 2; count += 1) void gate.enter('a:1', never).then(() => (inside += 1));
  await turn();
  t.equal(inside, 2);
});

void t.test('who is called off leaves the queue', async (t) => {
  const gate = createConnectGate({ atOnce: 1, holdMs: 60_000 });
  const leave = await gate.enter('a:1', never);
  const aborter = new AbortController();
  const waiting = gate.enter('a:1', aborter.signal);
  const next = gate.enter('a:1', never);
  aborter.abort();
  await t.rejects(waiting, { name: 'AbortError' });
  await t.rejects(gate.enter('a:1', aborter.signal), { name: 'AbortError' });
  leave(true);
  let entered = false;
  void next.then(() => (entered = true));
  await until('the next one', () => entered);
});
