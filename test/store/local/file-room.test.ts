import { readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { createFileRoom } from '../../../src/store/local/file-room.js';
import { testDir } from '../../support/test-dir.js';

const written = Buffer.alloc(40_960, 'pages of LMDB');

const roomOf = (path: string, endBytes: number, reusableBytes = 0): { ensure: (bytes: number) => Promise<number> } => {
  const room = createFileRoom({ path, endBytes: () => endBytes, reusableBytes: () => reusableBytes });
  return { ensure: (bytes) => room.ensure(bytes).then(() => statSync(path).size) };
};

void t.test('the file is made long enough for the next transaction, and what stands there stays', async (t) => {
  const path = `${testDir(t)}/data.mdb`;
  writeFileSync(path, written);
  const size = await roomOf(path, written.length).ensure(100_000);
  t.ok(size >= written.length + 200_000, `room for records in pages that are half full: ${size}`);
  t.ok(size < written.length + 1_000_000, 'and not for much more');
  t.ok(readFileSync(path).subarray(0, written.length).equals(written));
  t.equal(await roomOf(path, written.length).ensure(100_000), size, 'long enough already');
  t.ok((await roomOf(path, size).ensure(100_000)) > size, 'LMDB has used it since');
});

void t.test('what is free within the file counts by half', async (t) => {
  const path = `${testDir(t)}/data.mdb`;
  writeFileSync(path, written);
  t.equal(await roomOf(path, written.length, 4_000_000).ensure(100_000), written.length);
  t.ok((await roomOf(path, written.length, 400_000).ensure(100_000)) > written.length);
});

void t.test('a file that cannot grow is an error', async (t) => {
  await t.rejects(roomOf(`${testDir(t)}/none.mdb`, 0).ensure(1), { code: 'ENOENT' });
});
