import { createLogger } from '../../../src/log.js';
import { openLocalOutbox } from '../../../src/store/local/local-outbox.js';
import { newAppend, readAll } from '../../contracts/outbox-samples.js';

/**
 * A process of its own for tests: `append-forever.js DATADIR` appends batches and settles each fifth record, and prints
 * `+NAME` and `-NAME` only after the outbox said that it is durable. It runs until it is killed.
 */
const outbox = await openLocalOutbox({ dataDir: process.argv[2] ?? '', maxBytes: 1e9, dedupWindowMs: 7_200_000, parkedMaxBytes: 1e9, logger: createLogger('silent') });

const say = (lines: readonly string[]): void => { process.stdout.write(`${lines.join('\n')}\n`); };

const appendBatch = async (lane: number, batch: number): Promise<void> => {
  const names = Array.from({ length: 16 }, (_, index) => `${lane}.${batch}.${index}`);
  await outbox.append(names.map((name) => newAppend(name, { connectionId: `c${lane}`, payload: Buffer.alloc(500, lane) })));
  say(names.map((name) => `+${name}`));
  const settled = (await readAll(outbox, `c${lane}`)).filter((_, index) => index % 5 === 4);
  say(settled.map(({ topic }) => `?${topic.slice(topic.lastIndexOf('/') + 1)}`));
  await outbox.settle(settled.map((record) => ({ outcome: 'delivered', record })));
  say(settled.map(({ topic }) => `-${topic.slice(topic.lastIndexOf('/') + 1)}`));
};

const lane = async (number: number): Promise<never> => {
  for (let batch = 0; ; batch += 1) await appendBatch(number, batch);
};

await Promise.all([lane(0), lane(1), lane(2)]);
