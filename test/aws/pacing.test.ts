import t from 'tap';
import { createPace } from '../../src/aws/pacing.js';

/** Sends as fast as the pace allows for `forMs` of a made-up clock; gives back the times of sending. */
const sendAll = (pace: ReturnType<typeof createPace>, forMs: number, bytes: number, from = 5_000): number[] => {
  const times: number[] = [];
  let now = from;
  while (now < from + forMs) {
    const wait = pace.waitMs(now);
    if (wait > 0) now += wait;
    if (now >= from + forMs) break;
    pace.take(now, bytes);
    times.push(now);
  }
  return times;
};

const mostInAnySecond = (times: readonly number[]): number => {
  let most = 0;
  let start = 0;
  times.forEach((time, index) => {
    while (time - (times[start] ?? 0) >= 1_000) start += 1;
    most = Math.max(most, index - start + 1);
  });
  return most;
};

void t.test('never more than the limit in any second, also after a pause, and at least 90 % of it sustained', async (t) => {
  const pace = createPace({ publishesPerSecond: 100, bytesPerSecond: 0 });
  const times = [...sendAll(pace, 3_000, 100), ...sendAll(pace, 20_000, 100, 30_000)];
  t.ok(mostInAnySecond(times) <= 100, `${mostInAnySecond(times)} in a second`);
  t.ok(times.length >= 23 * 90, `${times.length} in 23 s`);
});

void t.test('bytes are paced too: one publish may overdraw, the next ones wait', async (t) => {
  const pace = createPace({ publishesPerSecond: 0, bytesPerSecond: 524_288 });
  const times = sendAll(pace, 10_000, 131_072);
  t.ok(times.length * 131_072 <= 524_288 * 11, `${times.length} publishes of 128 KiB in 10 s`);
  t.ok(times.length >= 36);
});

void t.test('zero switches a limit off', async (t) => {
  const pace = createPace({ publishesPerSecond: 0, bytesPerSecond: 0 });
  for (let count = 0; count < 10_000; count += 1) pace.take(1, 100_000);
  t.equal(pace.waitMs(1), 0);
});
