import type { Test } from 'tap';

/**
 * A folder of the test with this content, removed when the test is over.
 * Tap by itself removes a folder that was asked for before the first `t.teardown` before that teardown closes what is open in it.
 */
export const testDir = (t: Test, content: Parameters<Test['testdir']>[0] = {}): string => {
  t.teardown(() => undefined);
  return t.testdir(content);
};
