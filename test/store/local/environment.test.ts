import t from 'tap';
import { openTables } from '../../../src/store/local/environment.js';
import { testDir } from '../../support/test-dir.js';

const sizes = [0, 1, 1_300, 4_095, 4_096, 9_000, 70_000, 1_500_000];
const keyOf = (size: number): Buffer => Buffer.from(`value ${String(size).padStart(9, '0')}`);
const valueOf = (size: number): Buffer => Buffer.alloc(size, size % 251);

void t.test('values of every size come back whole, and stay as they are while others are read', async (t) => {
  const { root, tables } = openTables(testDir(t));
  t.teardown(() => root.close());
  for (const size of sizes) await tables.records.put(keyOf(size), valueOf(size));

  const inOrder = [...tables.records.getRange({})];
  t.same(inOrder.map(({ key }) => key), sizes.map(keyOf));
  const one = sizes.map((size) => tables.records.get(keyOf(size)));
  for (const [index, size] of sizes.entries()) {
    t.ok(inOrder[index]?.value.equals(valueOf(size)), `${size} bytes, in a range`);
    t.ok(one[index]?.equals(valueOf(size)), `${size} bytes, by key`);
    t.ok(tables.records.getBinary(keyOf(size))?.equals(valueOf(size)), `${size} bytes, as bytes`);
  }
});
