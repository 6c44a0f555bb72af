import t from 'tap';
import { createOutageBackoff, type OutageBackoff, type ReconnectStrategy } from '../../src/aws/outage-backoff.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Fails again and again on a made-up clock that jumps over the pauses; the longest pause of each stretch, and when it gave up. */
const outage = (strategy: ReconnectStrategy | undefined, forMs: number): { readonly pauses: [at: number, pause: number][]; readonly endedAt: number | undefined } => {
  let now = 7_000;
  const backoff = createOutageBackoff({ reconnect: { minMs: 1_000, maxMs: 60_000 }, strategy, now: () => now, random: () => 1 });
  const pauses: [number, number][] = [];
  while (now < 7_000 + forMs) {
    const pause = backoff.failed();
    if (pause === undefined) return { pauses, endedAt: now - 7_000 };
    pauses.push([now - 7_000, pause]);
    now += pause;
  }
  return { pauses, endedAt: undefined };
};

const longest = (pauses: readonly [number, number][], from: number, to: number): number => Math.max(...pauses.filter(([at]) => at >= from && at < to).map(([, pause]) => pause));

void t.test('without a strategy it grows from the least to the greatest pause, and never ends', async (t) => {
  const { pauses, endedAt } = outage(undefined, 3 * day);
  t.same(pauses.slice(0, 8).map(([, pause]) => pause), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  t.equal(longest(pauses, 0, 3 * day), minute);
  t.equal(endedAt, undefined);
});

const rows: readonly { readonly strategy: ReconnectStrategy; readonly stretches: readonly (readonly [from: number, to: number, longest: number])[]; readonly ends?: number }[] = [
  { strategy: 'CALM', stretches: [[0, 12 * hour, 10 * minute], [12 * hour, 36 * hour, hour]], ends: 36 * hour },
  { strategy: 'NORMAL', stretches: [[0, hour, 5 * minute], [hour, 25 * hour, hour], [25 * hour, 30 * day, day]] },
  { strategy: 'AGGRESSIVE', stretches: [[0, 3 * hour, 3 * minute], [3 * hour, 7 * day, 30 * minute], [7 * day + 3 * hour, 30 * day, hour]] },
];

for (const { strategy, stretches, ends } of rows) {
  void t.test(`${strategy} begins as soon as ever and grows with the outage`, async (t) => {
    const { pauses, endedAt } = outage(strategy, 40 * day);
    t.same(pauses.slice(0, 3).map(([, pause]) => pause), [1_000, 2_000, 4_000]);
    for (const [from, to, most] of stretches) t.equal(longest(pauses, from, to), most);
    if (ends === undefined) t.equal(endedAt, undefined);
    else t.ok(endedAt !== undefined && endedAt >= ends && endedAt < ends + hour, `gave up after ${endedAt} ms`);
  });
}

void t.test('what recovered begins anew, also the outage', async (t) => {
  let now = 0;
  const backoff: OutageBackoff = createOutageBackoff({ reconnect: { minMs: 1_000, maxMs: 60_000 }, strategy: 'CALM', now: () => now, random: () => 1 });
  backoff.failed();
  now = 40 * hour;
  t.equal(backoff.failed(), undefined);
  backoff.recovered();
  t.equal(backoff.failed(), 1_000);
});

void t.test('jitter keeps a pause between half and the whole', async (t) => {
  const backoff = createOutageBackoff({ reconnect: { minMs: 1_000, maxMs: 60_000 }, strategy: 'NORMAL', random: () => 0 });
  t.same([backoff.failed(), backoff.failed()], [500, 1_000]);
});
