import { getEventListeners, once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { timeLimit } from '../src/lifecycle.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Waits as a step of a connect does: nothing but the listener knows the signal. */
const abortOf = (signal: AbortSignal): Promise<unknown> => once(new AbortController().signal, 'abort', { signal }).catch((error: unknown) => error);

void t.test('the time ends it, whatever the garbage collector took meanwhile', async (t) => {
  const keepsProcess = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(keepsProcess));
  const waits = Array.from({ length: 100 }, () => abortOf(timeLimit(new AbortController().signal, 50).signal));
  collectGarbage();
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  for (const error of await Promise.all(waits)) t.equal((error as Error).name, 'AbortError');
});

void t.test('says what ended it', async (t) => {
  const keepsProcess = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(keepsProcess));
  const late = timeLimit(new AbortController().signal, 1);
  await abortOf(late.signal);
  t.ok(late.isOver());
  t.equal((late.signal.reason as Error).name, 'TimeoutError');
  const outer = new AbortController();
  const stopped = timeLimit(outer.signal, 60_000);
  outer.abort(new Error('stop'));
  t.ok(stopped.signal.aborted);
  t.notOk(stopped.isOver());
  t.equal((stopped.signal.reason as Error).message, 'stop');
  t.ok(timeLimit(outer.signal, 60_000).signal.aborted, 'one that begins after the end');
});

void t.test('leaves nothing behind', (t) => {
  const outer = new AbortController();
  const limit = timeLimit(outer.signal, 60_000);
  limit.end();
  t.equal(getEventListeners(outer.signal, 'abort').length, 0);
  outer.abort();
  t.notOk(limit.signal.aborted);
  t.end();
});
