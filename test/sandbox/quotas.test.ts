import t from 'tap';
import { createByteRate } from '../../src/sandbox/byte-rate.js';
import { awsLimits, effectiveKeepAlive } from '../../src/sandbox/limits.js';
import { createSlidingWindow } from '../../src/sandbox/sliding-window.js';

void t.test('a sliding window admits its limit in any second', async (t) => {
  const window = createSlidingWindow(3);
  t.same([0, 400, 900].map((now) => window.admit(now)), [true, true, true]);
  t.notOk(window.admit(999));
  t.equal(window.waitMs(999), 1);
  t.ok(window.admit(1000), 'the place of the first is free again');
  t.notOk(window.admit(1001), 'a new second of a calendar does not help');
  t.equal(window.waitMs(1001), 399);
  t.ok(window.admit(1400));
});

void t.test('what is refused takes no place', async (t) => {
  const window = createSlidingWindow(1);
  t.ok(window.admit(0));
  for (let now = 1; now < 1000; now += 100) t.notOk(window.admit(now));
  t.ok(window.admit(1000));
});

void t.test('a limit of 0 admits everything', async (t) => {
  const window = createSlidingWindow(0);
  t.ok(Array.from({ length: 500 }, () => window.admit(0)).every(Boolean));
  t.equal(window.waitMs(0), 0);
  const bytes = createByteRate(0);
  bytes.take(1e12, 0);
  t.equal(bytes.waitMs(0), 0);
});

void t.test('bytes over the rate have to wait until they are paid back', async (t) => {
  const bytes = createByteRate(1000);
  bytes.take(1000, 0);
  t.equal(bytes.waitMs(0), 0);
  bytes.take(500, 0);
  t.equal(bytes.waitMs(0), 500);
  t.equal(bytes.waitMs(500), 0);
  bytes.take(1, 10_000);
  bytes.take(1000, 10_000);
  t.equal(bytes.waitMs(10_000), 1, 'an idle hour saves up one second only');
});

void t.test('keep-alive is held between 30 and 1200 seconds, none counts as 1200', async (t) => {
  const rows: [number, number][] = [[0, 1200], [1, 30], [30, 30], [60, 60], [1200, 1200], [65_535, 1200]];
  for (const [asked, granted] of rows) t.equal(effectiveKeepAlive(asked, awsLimits), granted, String(asked));
  t.equal(effectiveKeepAlive(0, { ...awsLimits, maxKeepAliveSeconds: 0 }), 0, 'the limit switched off');
});
