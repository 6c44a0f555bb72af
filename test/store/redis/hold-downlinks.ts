import { createLogger } from '../../../src/log.js';
import type { Verdict } from '../../../src/downlink/ports.js';
import { openRedisDownlinks } from '../../../src/store/redis/redis-downlinks.js';

/**
 * A process of its own for tests: `hold-downlinks.js URL [answer]` takes downlinks, prints a line for each, and answers none;
 * with `answer` all are done when its stdin ends.
 */
const store = await openRedisDownlinks(
  { url: process.argv[2] ?? '', ratePerSecond: () => 1_000, reportWindowMs: 60_000, logger: createLogger('silent') },
  { lockMs: 1_000 },
);
const answered = new Promise<Verdict>((resolve) => {
  if (process.argv[3] === 'answer') process.stdin.resume().once('end', () => { resolve({ kind: 'done' }); });
});
store.queue.start({
  holdMs: () => 0,
  submit({ downlink }) {
    process.stdout.write(`${downlink.correlationId ?? ''}\n`);
    return answered;
  },
});
