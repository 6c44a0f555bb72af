/** Does what a Map does. */
import fc from 'fast-check';
import t from 'tap';
import { SlotMap } from '../src/slot-map.js';

type Step = readonly ['set', number, string] | readonly ['delete', number] | readonly ['clear'];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('set' as const), fc.nat({ max: 12 }), fc.string({ maxLength: 2 })) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('delete' as const), fc.nat({ max: 12 })) },
  { weight: 1, arbitrary: fc.constant(['clear'] as const) },
);

void t.test('after any changes it holds what a Map holds, in the same order', async (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = new Map<number, string>();
      const slots = new SlotMap<number, string>();
      for (const [kind, key, value] of steps) {
        if (kind === 'set') {
          map.set(key, value);
          slots.set(key, value);
        } else if (kind === 'delete') t.equal(slots.delete(key), map.delete(key));
        else {
          map.clear();
          slots.clear();
        }
      }
      t.equal(slots.size, map.size);
      t.strictSame([...slots], [...map]);
      t.strictSame([...slots.keys()], [...map.keys()]);
      t.strictSame([...slots.values()], [...map.values()]);
      for (let key = 0; key <= 13; key += 1) t.strictSame([slots.has(key), slots.get(key)], [map.has(key), map.get(key)]);
    }),
    { numRuns: 50 },
  );
});

void t.test('an entry may be removed while all are looked through', async (t) => {
  const slots = new SlotMap<number, string>();
  for (let key = 0; key < 5; key += 1) slots.set(key, `value ${key}`);
  const seen: number[] = [];
  for (const [key] of slots) {
    seen.push(key);
    slots.delete(key);
  }
  t.strictSame(seen, [0, 1, 2, 3, 4]);
  t.equal(slots.size, 0);
  t.equal(slots.get(3), undefined);
});
