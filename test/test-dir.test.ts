import { existsSync, readdirSync } from 'node:fs';
import t from 'tap';
import { testDir } from './support/test-dir.js';

void t.test('a folder stands until its test has closed what is open in it, and no longer', async (t) => {
  let path = '';
  let atTeardown: readonly string[] = [];
  await t.test('with a folder', async (t) => {
    path = testDir(t, { file: 'text' });
    t.teardown(() => { atTeardown = readdirSync(path); });
    t.strictSame(readdirSync(path), ['file']);
  });
  t.strictSame(atTeardown, ['file']);
  t.notOk(existsSync(path));
});
