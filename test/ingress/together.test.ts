import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createTogether } from '../../src/ingress/together.js';

/** Longer than any test takes: what waits for it goes on for another cause. */
const never = 60_000;
const most = 1_000;

void t.test('those of one turn go on together, in the order in which they asked', async (t) => {
  const together = createTogether({ gatherMs: never, enough: 8, most });
  const gone: string[] = [];
  const ask = async (name: string): Promise<void> => {
    await together.enter();
    gone.push(`${name} 1`);
    await Promise.resolve();
    gone.push(`${name} 2`);
  };
  const [a, b] = [ask('a'), ask('b')];
  await Promise.resolve();
  t.strictSame(gone, [], 'not in the turn in which they ask');
  await Promise.all([a, b]);
  t.strictSame(gone, ['a 1', 'b 1', 'a 2', 'b 2'], 'one stage after the other');
});

void t.test('a sender that posts one after the other never waits', async (t) => {
  const together = createTogether({ gatherMs: never, enough: 8, most });
  const gone: number[] = [];
  for (const index of [0, 1, 2]) {
    void together.enter().then(() => gone.push(index));
    await nextTurn();
    together.leave();
  }
  t.strictSame(gone, [0, 1, 2]);
});

void t.test('while several post side by side the next turn waits for more, or for enough', async (t) => {
  const together = createTogether({ gatherMs: never, enough: 3, most });
  const gone: string[] = [];
  const ask = (name: string): void => void together.enter().then(() => gone.push(name));
  ask('first');
  await nextTurn();
  ask('beside it');
  ask('and another');
  await nextTurn();
  await nextTurn();
  t.strictSame(gone, ['first'], 'the last turn has just begun');
  ask('the third');
  await nextTurn();
  t.strictSame(gone, ['first', 'beside it', 'and another', 'the third']);
});

void t.test('the wait ends by itself, and is over when nobody posted side by side for a second', async (t) => {
  let now = 0;
  const together = createTogether({ gatherMs: 5, enough: 100, most, now: () => now });
  const first = together.enter();
  const second = together.enter();
  await Promise.all([first, second]);
  await together.enter();
  t.pass('after 5 ms');
  for (const _ of [1, 2, 3]) together.leave();

  now += 1_001;
  let gone = false;
  const later = createTogether({ gatherMs: never, enough: 100, most, now: () => now });
  await Promise.all([later.enter(), later.enter()]);
  later.leave();
  later.leave();
  now += 1_001;
  void later.enter().then(() => (gone = true));
  await nextTurn();
  t.ok(gone);
});

void t.test('more than most go on in parts, each in an event-loop turn of its own', async (t) => {
  const together = createTogether({ gatherMs: never, enough: 2, most: 2 });
  const gone: string[] = [];
  const ask = (name: string): Promise<void> => together.enter().then(() => void gone.push(name));
  const all = ['a', 'b', 'c', 'd', 'e'].map(ask);
  await nextTurn();
  t.strictSame(gone, ['a', 'b']);
  await nextTurn();
  t.strictSame(gone, ['a', 'b', 'c', 'd']);
  await Promise.all(all);
  t.strictSame(gone, ['a', 'b', 'c', 'd', 'e']);
});

void t.test('when the wait is over, what arrives in the same round of the event loop still goes along', async (t) => {
  const gatherMs = 5;
  const together = createTogether({ gatherMs, enough: 100, most, now: () => 0 });
  await Promise.all([together.enter(), together.enter()]);
  const gone: string[] = [];
  const late = together.enter().then(() => gone.push('late'));
  const arrived = new Promise<void>((resolve) => {
    setTimeout(() => {
      void together.enter().then(() => gone.push('beside it'));
      resolve();
    }, gatherMs);
  });
  // Both are over when the event loop looks at its timers again, the wait first.
  const end = performance.now() + 3 * gatherMs;
  while (performance.now() < end);
  await Promise.all([late, arrived]);
  await nextTurn();
  t.strictSame(gone, ['late', 'beside it'], 'in the same turn');
});
