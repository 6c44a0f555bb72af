import t from 'tap';
import { createReadSizes } from '../../../src/store/local/read-sizes.js';

void t.test('a size is known from the reading of a record to its removal', (t) => {
  const sizes = createReadSizes();
  t.equal(sizes.find(0), undefined, 'no place holds the first position before it was read');
  sizes.note(0, 70);
  sizes.note(7, 1_300);
  t.equal(sizes.find(0), 70);
  t.equal(sizes.find(7), 1_300);
  sizes.forget(7);
  t.equal(sizes.find(7), undefined);
  t.equal(sizes.find(0), 70);
  t.end();
});

void t.test('positions that share a place push each other out, and are never taken for each other', (t) => {
  const sizes = createReadSizes();
  const places = 32_768;
  const [older, newer] = [5, 5 + places];
  sizes.note(older, 100);
  sizes.note(newer, 200);
  t.equal(sizes.find(older), undefined);
  t.equal(sizes.find(newer), 200);
  sizes.forget(older);
  t.equal(sizes.find(newer), 200, 'forgetting the older one leaves the newer one');
  t.equal(sizes.find(2 ** 48 - 1), undefined, 'the largest position has a place like others');
  t.end();
});
