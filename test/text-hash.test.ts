import t from 'tap';
import { hashText } from '../src/text-hash.js';

void t.test('equal texts have one hash, and it is a 32-bit integer', async (t) => {
  for (const text of ['', 'a', 'é', '70b3d57ed0000001', '💧']) {
    t.equal(hashText(7, text), hashText(7, text.slice(0, 1) + text.slice(1)));
    t.equal(hashText(7, text), hashText(7, text) | 0);
  }
});

void t.test('another beginning, another text or another length gives another hash', async (t) => {
  const hashes = [hashText(0, ''), hashText(1, ''), hashText(0, 'a'), hashText(1, 'a'), hashText(0, 'b'), hashText(0, 'ab'), hashText(0, 'ba'), hashText(0, '\0'), hashText(hashText(0, 'a'), 'b')];
  t.equal(new Set(hashes).size, hashes.length);
});

void t.test('ids that differ in their last digits are spread', async (t) => {
  const places = new Set(Array.from({ length: 10_000 }, (_, index) => hashText(0, `70b3d57ed0${index.toString(16).padStart(6, '0')}`) & 131_071));
  t.ok(places.size > 9_400, `${places.size} places of 10,000 ids`);
});
