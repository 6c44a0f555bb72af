import t from 'tap';
import { forgetOldest } from '../src/forget-oldest.js';

void t.test('a small map keeps just as many as it should, the youngest', async (t) => {
  const map = new Map([['a', 1], ['b', 2], ['c', 3]]);
  t.equal(forgetOldest(map, 3), false);
  t.equal(map.size, 3);
  const forgotten: string[] = [];
  t.equal(forgetOldest(map, 2, (key) => forgotten.push(key)), true);
  t.same([...map.keys()], ['b', 'c']);
  t.same(forgotten, ['a']);
});

void t.test('a large one forgets many at once, never holds more than it should, and never loses one of the youngest', async (t) => {
  const set = new Set<number>();
  let times = 0;
  for (let value = 0; value < 50_000; value += 1) {
    set.add(value);
    if (forgetOldest(set, 6_400)) times += 1;
    if (!set.has(Math.max(0, value - 6_299)) || set.size > 6_400) t.fail(`after ${value}: ${set.size} entries`);
  }
  t.equal(times, Math.floor((50_000 - 6_400 - 1) / 101) + 1);
});
