import { createLogger } from '../../../src/log.js';
import { openLocalOutbox } from '../../../src/store/local/local-outbox.js';
import { newParkedAppend, topicsOf } from '../../contracts/outbox-samples.js';

/**
 * A process of its own for tests: `replay-forever.js DATADIR` parks messages and replays some of them; it prints `+NAME` when one is parked and `>NAME` when one
 * is replayed, only after the outbox said that it is durable. It runs until it is killed.
 */
const outbox = await openLocalOutbox({ dataDir: process.argv[2] ?? '', maxBytes: 1e9, dedupWindowMs: 7_200_000, parkedMaxBytes: 1e9, logger: createLogger('silent') });

const say = (sign: string, names: readonly string[]): void => { process.stdout.write(names.map((name) => `${sign}${name}\n`).join('')); };

for (let round = 0; ; round += 1) {
  const names = Array.from({ length: 6 }, (_, index) => `r${round}.${index}`);
  await outbox.append(names.map((name) => newParkedAppend(name, { reason: 'topic_invalid', detail: '' })));
  say('+', names);
  const replayed = await outbox.replay((await outbox.parked({}, { after: -1, limit: 4 })).map((parked) => ({ parked, record: parked })));
  say('>', topicsOf(replayed));
}
