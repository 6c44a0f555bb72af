import { createLogger } from '../../../src/log.js';
import { BridgeError, messageOf } from '../../../src/errors.js';
import { openLocalOutbox } from '../../../src/store/local/local-outbox.js';
import { newAppend, readAll } from '../../contracts/outbox-samples.js';
import { until } from '../../support/until.js';

/**
 * A process of its own for tests, started with a limit on the size of its files (`ulimit -f`): LMDB's writes then fail as on a full
 * disk, without root and without a disk. Prints one JSON object with what it saw.
 */
const dataDir = process.argv[2] ?? '';
// What failed is tried again by a timer that keeps no process alive.
const alive = setInterval(() => undefined, 1_000);
const logged: string[] = [];
const logger = createLogger('info', { write: (line) => { logged.push((JSON.parse(line) as { msg: string }).msg); } });
const open = () => openLocalOutbox({ dataDir, maxBytes: 1e9, dedupWindowMs: 7_200_000, parkedMaxBytes: 1e9, logger, intervals: { retry: 20, idle: 50 } });
const outbox = await open();

const batchOf = (batch: number) => Array.from({ length: 64 }, (_, index) => newAppend(`${batch}.${index}`, { payload: Buffer.alloc(1_000) }));
const reasonOf = (error: unknown): string => (error instanceof BridgeError ? error.reason : messageOf(error));

interface Filled {
  readonly batches: number;
  readonly reason: string;
  readonly detail: string;
  /** What became of duplicates of the refused batch, alone and beside a new message, handed over while it was written. */
  readonly duplicates: readonly string[];
}

const fill = async (from: number): Promise<Filled> => {
  for (let batch = from; ; batch += 1) {
    const appended = outbox.append(batchOf(batch));
    const twins = [outbox.append([newAppend(`${batch}.0`)]), outbox.append([newAppend(`${batch}.63`), newAppend(`${batch}.new`, { connectionId: 'other' })])];
    const error: unknown = await appended.then(() => undefined, (thrown: unknown) => thrown);
    const duplicates = await Promise.all(twins.map((twin) => twin.then(([result]) => result?.state ?? '', reasonOf)));
    if (error !== undefined) return { batches: batch, reason: reasonOf(error), detail: messageOf(error), duplicates };
    if (duplicates.some((state) => state !== 'duplicate')) throw new Error(`batch ${batch} was stored, its duplicates: ${duplicates.join()}`);
  }
};

const first = await fill(0);
const unwritable = outbox.unwritable();
const kept = (await readAll(outbox)).length;
const keptBeside = (await readAll(outbox, 'other')).length;
const lost = await Promise.all([outbox.append([newAppend('x')]), outbox.append([newAppend('x'), newAppend('y')])].map((promise) => promise.then(() => 'stored', reasonOf)));
const duplicate = await outbox.append([newAppend('0.0')]).then(([result]) => result?.state, reasonOf);

// Delivered while the disk is full: removing needs pages too. As many at a time as a delivery settles: thousands in one transaction may need more pages than are free.
const delivered = await readAll(outbox);
for (let from = 0; from < delivered.length; from += 500) await outbox.settle(delivered.slice(from, from + 500).map((record) => ({ outcome: 'delivered', record })));
const pendingAfterSettle = outbox.pending('main').messages;
await until('the store is writable again', () => outbox.unwritable() === undefined);
const again = await outbox.append(batchOf(first.batches));
const x = await outbox.append([newAppend('x')]);
const second = await fill(first.batches + 1);
const parked = (await readAll(outbox))[0];
if (parked !== undefined) await outbox.settle([{ outcome: 'parked', record: parked, reason: 'expired', detail: '' }]);
await outbox.close();

const reopened = await open();
const report = {
  first, unwritable, kept, keptBeside, lost, duplicate, pendingAfterSettle, logged,
  again: again.every(({ state }) => state === 'stored'), x: x[0]?.state, second,
  reopened: (await readAll(reopened)).length, parked: reopened.parkedTotals().messages,
};
await reopened.close();
clearInterval(alive);
process.stdout.write(JSON.stringify(report));
