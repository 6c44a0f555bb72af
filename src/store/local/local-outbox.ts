import { join } from 'node:path';
import { BridgeError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { SlotMap } from '../../slot-map.js';
import type { Outbox, ParkedMessages } from '../../uplink/ports.js';
import { createAppendJob, type AppendJob } from './append-job.js';
import { checkStore } from './check-store.js';
import { createCommitQueue, type CommitQueue } from './commit-queue.js';
import { createConnections } from './connections.js';
import { createDiscardJob } from './discard-job.js';
import { createDiskRoom, type FreeBytes } from './disk-room.js';
import { openTables } from './environment.js';
import { createFileRoom } from './file-room.js';
import { openJournal } from './journal/open-journal.js';
import { openStore } from './open-store.js';
import { createParkedClaims } from './parked-claims.js';
import { createParkedReader } from './parked-reader.js';
import { createParkedRoom, type ParkedTotals } from './parked-room.js';
import { createPendingRoom } from './pending-room.js';
import { createReadSizes } from './read-sizes.js';
import { createRecordReader } from './record-reader.js';
import { createReplayJob, type ReplayJob } from './replay-job.js';
import { createSeenMessages } from './seen-messages.js';
import { createSettleJob } from './settle-job.js';

export interface LocalOutboxOptions {
  /** The outbox lives in `<dataDir>/outbox`. Hold its lock (`lockDataDir`) while it is open. */
  readonly dataDir: string;
  /** Limit of the pending records: their values and 64 bytes for each. The file itself is larger: it also holds parked messages, what was seen, and free pages. */
  readonly maxBytes: number;
  /** Limit of the number of pending records; absent: none. */
  readonly maxMessages?: number;
  /** How long after its arrival a message is recognised when it comes again. */
  readonly dedupWindowMs: number;
  /** Past it the oldest parked messages are removed. */
  readonly parkedMaxBytes: number;
  readonly logger: Logger;
  readonly now?: () => number;
  /** Bytes that may still be written in a folder; the file system's own figure. With less than 16 MB nothing new is accepted, unless as much is free within the file. */
  readonly freeBytes?: FreeBytes;
  /** Ms: how often a failed store is tried again (1,000), after how long without a write one is made as a proof (5,000), pause between two sweeps of what was seen (60,000), how long the file system's answer about free space holds (200). */
  readonly intervals?: { readonly retry?: number; readonly idle?: number; readonly sweep?: number; readonly room?: number };
}

export interface LocalOutbox extends Outbox, ParkedMessages {
  /** Unsettled messages of the connection that were found when the outbox was opened. */
  restored(connectionId: string): number;
  /** Connections that have unsettled messages, whether they are configured or not. */
  waiting(): readonly string[];
  parkedTotals(): ParkedTotals;
}

/** At 1,000 messages a second a transaction holds three or four, and what was delivered in between. */
const gather = { appendMs: 2, settleMs: 8 };

/**
 * Opens the outbox of a data directory: one LMDB environment, checked by a child process before this one maps it.
 * @throws BridgeError `store_corrupt` (the damaged folder was set aside) or `store_unavailable`.
 */
export const openLocalOutbox = async (options: LocalOutboxOptions): Promise<LocalOutbox> => {
  const { logger, maxBytes, maxMessages = Number.POSITIVE_INFINITY, now = Date.now, intervals = {} } = options;
  const path = join(options.dataDir, 'outbox');
  const found = await checkStore(path);
  const opened = openStore(path, 'outbox', openTables);
  const room = createDiskRoom({ path, reusableBytes: opened.reusableBytes, freeBytes: options.freeBytes, freshMs: intervals.room });
  const fileRoom = createFileRoom({ path: join(path, 'data.mdb'), ...opened });
  const makeRoom = async (recordBytes: number): Promise<void> => {
    await room.assertSomeRoom();
    await fileRoom.ensure(recordBytes);
  };
  const { journal, overlay, sequence, runs, contents } = await openJournal({ folder: path, environment: opened, found, makeRoom, failed: (cause) => queue.failed(cause) });
  const { environment } = journal;
  const tables = environment.tables();
  if (tables === undefined) throw new BridgeError('store_unavailable');

  const queue: CommitQueue = createCommitQueue({ environment, journal, logger, gather, ...room, idleMs: intervals.idle ?? 5_000 });
  const connections = createConnections(tables, overlay, contents);
  // What cannot be removed now stays until the next opening.
  if (connections.hasUnused) queue.add({ kind: 'upkeep', prepare: () => true, write: (current) => { connections.removeUnused(current); }, done: () => undefined, failed: () => undefined });
  const seen = createSeenMessages({ environment, queue, runs, overlay, logger, windowMs: options.dedupWindowMs, now, sweepMs: intervals.sweep ?? 60_000 });
  const claims = createParkedClaims();
  const parked = createParkedRoom({ queue, connections, claims, logger, maxBytes: options.parkedMaxBytes, found: found.parked.values() });
  const settling = new SlotMap<number, Promise<unknown>>();
  const sizes = createReadSizes();
  const pendingRoom = createPendingRoom({ maxMessages, maxBytes, connections });
  let closing: Promise<void> | undefined;

  /** @throws BridgeError outbox_full, store_unavailable */
  const reserve = (job: AppendJob | ReplayJob): (() => void) => {
    const failure = queue.failure();
    if (failure !== undefined) throw new BridgeError('store_unavailable', { detail: failure.detail ?? failure.message, cause: failure.cause });
    return pendingRoom.reserve(job);
  };

  /** @throws BridgeError outbox_full, store_unavailable; then nothing is kept */
  const writeWithinLimits = async (job: AppendJob | ReplayJob): Promise<void> => {
    let release: (() => void) | undefined;
    if (job.writes) {
      try {
        release = reserve(job);
        queue.add(job);
      } catch (error) {
        job.failed(error as BridgeError);
      }
    }
    try {
      await job.durable;
    } finally {
      release?.();
    }
  };

  const append: Outbox['append'] = async (batch) => {
    if (closing !== undefined) throw new BridgeError('stopping');
    const job = createAppendJob(batch, { connections, seen, sequence, parked, now });
    await writeWithinLimits(job);
    return job.results;
  };

  const replay: ParkedMessages['replay'] = async (batch) => {
    if (closing !== undefined) throw new BridgeError('stopping');
    const job = createReplayJob(batch, { connections, sequence, claims, room: parked });
    await writeWithinLimits(job);
    return job.results();
  };

  const discard: ParkedMessages['discard'] = async (seqs) => {
    if (closing !== undefined) throw new BridgeError('stopping');
    const job = createDiscardJob(seqs, { connections, claims, room: parked });
    if (job.writes) queue.add(job);
    await job.durable;
    return job.removed();
  };

  const settle: Outbox['settle'] = async (batch) => {
    if (closing !== undefined) throw new BridgeError('stopping');
    const job = createSettleJob(batch, { connections, parked, overlay, sizes, settling, now });
    if (job.writes) queue.add(job);
    await job.durable;
  };

  const ticker = setInterval(() => {
    parked.trim();
    queue.tick();
  }, intervals.retry ?? 1_000).unref();

  const close = async (): Promise<void> => {
    clearInterval(ticker);
    seen.close();
    await queue.close();
    await journal.close();
    await environment.close();
  };

  return {
    append,
    settle,
    ...createRecordReader({ environment, overlay, connections, sizes, logger }),
    pending(connectionId) {
      const { messages, bytes } = connections.find(connectionId) ?? { messages: 0, bytes: 0 };
      return { messages, bytes };
    },
    oldestAcceptedAt: (connectionId) => connections.oldestAcceptedAt(connectionId, environment.tables()),
    unwritable() {
      if (closing !== undefined) return 'stopping';
      if (queue.failure() !== undefined) return 'store_unavailable';
      return pendingRoom.isFull() ? 'outbox_full' : undefined;
    },
    close: () => (closing ??= close()),
    restored: (connectionId) => connections.find(connectionId)?.restored ?? 0,
    waiting: () => connections.waiting(),
    ...createParkedReader(environment, connections),
    replay,
    discard,
    parkedTotals: () => parked.totals(),
  };
};
