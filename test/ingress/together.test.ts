import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createTogether } from '../../src/ingress/together.js';

void t.test('those of one turn go on together, in the order in which they asked', async (t) => {
  const together = createTogether();
  const gone: string[] = [];
  const ask = async (name: string): Promise<void> => {
    await together();
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

void t.test('who asks later waits for a turn of its own', async (t) => {
  const together = createTogether();
  const gone: string[] = [];
  void together().then(() => gone.push('first'));
  await nextTurn();
  void together().then(() => gone.push('second'));
  t.strictSame(gone, ['first']);
  await nextTurn();
  t.strictSame(gone, ['first', 'second']);
});
