import t from 'tap';
import { createStaleTurns } from '../../src/downlink/stale-turns.js';

void t.test('what is late goes back, but not for ever', async (t) => {
  const turns = createStaleTurns();
  const past = performance.now() - 10;
  t.same([1, 2, 3, 4, 5].map(() => turns.isStale('a', past)), [true, true, true, false, true]);
  t.equal(turns.isStale('b', performance.now() + 60_000), false);
  t.equal(turns.isStale('b', past), true);
});

void t.test('what has no time to leave by is never stale', async (t) => {
  t.equal(createStaleTurns().isStale('a', undefined), false);
});
