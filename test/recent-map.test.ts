import t from 'tap';
import { createRecentMap } from '../src/recent-map.js';

void t.test('recent values stay, the others go', async (t) => {
  const recent = createRecentMap<number>(10);
  recent.set('kept', 1);
  for (let count = 0; count < 100; count += 1) {
    recent.set(`k${count}`, count);
    t.equal(recent.get('kept'), 1, 'asked for all the time');
  }
  const left = Array.from({ length: 100 }, (_, count) => recent.get(`k${count}`)).filter((value) => value !== undefined);
  t.ok(left.length <= 10 && left.includes(99));
  recent.delete('kept');
  t.equal(recent.get('kept'), undefined);
});

void t.test('a value that is set again is the new one, in whichever generation it was', async (t) => {
  const recent = createRecentMap<number>(4);
  recent.set('a', 1);
  for (const key of ['b', 'c']) recent.set(key, 0);
  recent.set('a', 2);
  t.equal(recent.get('a'), 2);
});
