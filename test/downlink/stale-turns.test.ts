import t from 'tap';
import { createStaleTurns } from '../../src/downlink/stale-turns.js';

void t.test('what is late goes back, but not for ever', async (t) => {
  const turns = createStaleTurns(50);
  const long = performance.now() - 60;
  t.same([1, 2, 3, 4, 5].map(() => turns.isStale('a', long)), [true, true, true, false, true]);
  t.equal(turns.isStale('b', performance.now()), false);
  t.equal(turns.isStale('b', long), true);
});

void t.test('without a limit nothing is stale', async (t) => {
  t.equal(createStaleTurns(undefined).isStale('a', Number.NEGATIVE_INFINITY), false);
});
