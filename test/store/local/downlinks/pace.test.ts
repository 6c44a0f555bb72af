import t from 'tap';
import { createDueHeap } from '../../../../src/store/local/downlinks/lanes/due-heap.js';
import { createPace } from '../../../../src/store/local/downlinks/lanes/pace.js';
import { mostInOneSecond } from '../../../contracts/downlink-store-samples.js';

/** Numbers from 0 to 1 that are the same in every run. */
const randomNumbers = (seed: number): (() => number) => {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
};

/** When downlinks leave if there are always some, and the timer is late by `lateMs()`. */
const leaving = (rate: number, untilMs: number, lateMs: () => number): number[] => {
  const pace = createPace(() => rate);
  const times: number[] = [];
  for (let now = 0; now < untilMs; ) {
    const wait = pace.waitMs(now);
    if (wait > 0) now += Math.ceil(wait) + lateMs();
    else {
      pace.take(now);
      times.push(now);
    }
  }
  return times;
};

void t.test('no second holds more than the rate, and nine tenths of it are kept up, however late the timers are', async (t) => {
  for (const rate of [1, 2, 7, 10, 33, 100, 250, 1_000]) {
    for (const late of [0, 1, 5, 20]) {
      const random = randomNumbers(rate * 31 + late);
      const times = leaving(rate, 20_000, () => random() * late);
      t.ok(mostInOneSecond(times) <= rate, `${mostInOneSecond(times)} of ${rate} in one second, ${late} ms late`);
      t.ok(times.length >= 18 * rate, `${times.length} in 20 s at ${rate}/s, ${late} ms late`);
    }
  }
});

void t.test('a long pause, or a busy machine, saves nothing up', async (t) => {
  const random = randomNumbers(7);
  const times = leaving(100, 30_000, () => (random() < 0.02 ? random() * 900 : 0));
  t.ok(mostInOneSecond(times) <= 100);
  t.ok(times.length > 1_000);
});

void t.test('less than one a second leaves at longer intervals', async (t) => {
  const times = leaving(0.5, 21_000, () => 0);
  t.ok(times.length >= 9 && times.length <= 11, `${times.length} in 21 s`);
});

void t.test('downlinks spread out keep a distance that jitter on the way cannot close', async (t) => {
  const times = leaving(100, 10_000, () => 0);
  t.ok(mostInOneSecond(times) <= 95, `${mostInOneSecond(times)} in one second`);
});

void t.test('the headroom is the rate less what left in the last second', async (t) => {
  const pace = createPace(() => 3);
  t.equal(pace.headroom(0), 3);
  pace.take(0);
  pace.take(500);
  t.equal(pace.headroom(900), 1);
  t.equal(pace.headroom(1_000), 2);
  t.equal(pace.headroom(5_000), 3);
});

void t.test('what is due first comes first, whatever was put in and taken out', async (t) => {
  const random = randomNumbers(3);
  const heap = createDueHeap();
  const all = Array.from({ length: 500 }, (_, order) => ({ dueAt: Math.floor(random() * 50), order, index: -1 }));
  for (const due of all) heap.push(due);
  const dropped = all.filter(() => random() < 0.4);
  for (const due of dropped) heap.remove(due);
  for (const due of dropped) heap.remove(due);
  const found: typeof all = [];
  for (let due = heap.peek(); due !== undefined; due = heap.peek()) {
    heap.remove(due);
    found.push(due);
  }
  const expected = all.filter((due) => !dropped.includes(due)).sort((one, other) => one.dueAt - other.dueAt || one.order - other.order);
  t.same(found.map(({ order }) => order), expected.map(({ order }) => order));
});
