import t from 'tap';
import { createOutageBackoff } from '../../src/aws/outage-backoff.js';
import { createReconnectCoordinator } from '../../src/aws/reconnect-coordinator.js';

const options = (signal: AbortSignal): Parameters<typeof createReconnectCoordinator>[0] => ({
  backoff: createOutageBackoff({ reconnect: { minMs: 20, maxMs: 40 } }),
  spacingMs: 1,
  signal,
  exhausted: () => undefined,
});

void t.test('ten sessions that lost the endpoint together knock once at a time', async (t) => {
  const coordinator = createReconnectCoordinator(options(new AbortController().signal));
  let under = 0;
  let most = 0;
  const knock = async (): Promise<number> => {
    under += 1;
    most = Math.max(most, under);
    await new Promise(setImmediate);
    under -= 1;
    return under;
  };
  await Promise.all(Array.from({ length: 10 }, () => coordinator.attempt(knock)));
  t.equal(most, 1);
});

void t.test('a failed attempt delays the next one of whatever session', async (t) => {
  const coordinator = createReconnectCoordinator(options(new AbortController().signal));
  const start = performance.now();
  await t.rejects(coordinator.attempt(() => Promise.reject(new Error('refused'))), { message: 'refused' });
  await coordinator.attempt(() => Promise.resolve());
  t.ok(performance.now() - start >= 9, 'at least half the first pause has passed');
});

void t.test('an abort ends the wait', async (t) => {
  const aborter = new AbortController();
  const coordinator = createReconnectCoordinator({ ...options(aborter.signal), backoff: createOutageBackoff({ reconnect: { minMs: 60_000, maxMs: 60_000 } }) });
  coordinator.failed();
  const waiting = coordinator.attempt(() => Promise.resolve());
  aborter.abort();
  await t.rejects(waiting, { name: 'AbortError' });
});

void t.test('when the backoff gives up, its owner is told, and what it aborts tries nothing more', async (t) => {
  const aborter = new AbortController();
  const coordinator = createReconnectCoordinator({ ...options(aborter.signal), backoff: { failed: () => undefined, recovered: () => undefined }, exhausted: () => aborter.abort() });
  await t.rejects(coordinator.attempt(() => Promise.reject(new Error('refused'))), { message: 'refused' });
  await t.rejects(coordinator.attempt(() => Promise.resolve()), { name: 'AbortError' });
});
