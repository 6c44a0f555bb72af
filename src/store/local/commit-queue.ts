import { BridgeError, messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { AnyTables, Environment, Tables } from './environment.js';
import { createGathering, type GatherOptions } from './gathering.js';
import type { Job } from './job.js';

export interface CommitQueue<T extends AnyTables = Tables> {
  add(job: Job<T>): void;
  /** Something could not be written beside the queue: until a proof nothing new is taken. */
  failed(cause: unknown): void;
  /** The failure since which nothing could be written, or undefined. */
  failure(): BridgeError | undefined;
  /** To be called about once a second: tries again what failed, and proves by a write that the store works when nothing else did lately. */
  tick(): void;
  /** Writes what waits; what cannot be written then fails. */
  close(): Promise<void>;
}

/** Makes most groups durable without a transaction. */
export interface Shortcut<T extends AnyTables> {
  /** Writes a group, by a transaction where it must. @throws the cause; then nothing of it is kept */
  write(group: readonly Job<T>[]): Promise<void>;
  /** To be called about once a second. */
  tick(): void;
}

export interface CommitQueueOptions<T extends AnyTables> {
  readonly environment: Environment<T>;
  readonly logger: Logger;
  /** What a person needs to know beside LMDB's own words, such as the free space. */
  readonly circumstances: () => Promise<string>;
  /** Ms without a write after which one is made as a proof. */
  readonly idleMs: number;
  /**
   * Rejects when there is too little room to write. Asked before every transaction but those that only settle, which need next to none: what is
   * left then is for them. lmdb 3.5.6 may end the process when a write fails (it writes the text of the error into too small a place).
   */
  readonly assertRoom?: () => Promise<void>;
  readonly journal?: Shortcut<T>;
  /** How long work is gathered for one transaction; nothing is when absent. */
  readonly gather?: GatherOptions;
}

/** A commit that takes longer counts as a store that cannot be written, until it ends. */
const slowCommitMs = 10_000;
/**
 * LMDB keeps free pages of its own, so one small write may work on a full disk where the next batch fails again: the proof after
 * a failure writes 256 KB, in records of half a page because free pages lie scattered.
 */
const proofRecord = Buffer.alloc(2_000);
const proofRecords = 128;
const proofKey = (index: number): Buffer => Buffer.from(`proof:${index}`);

const timeNow = (): number => performance.now();

export const createCommitQueue = <T extends AnyTables>({ environment, logger, circumstances, idleMs, assertRoom, journal, gather }: CommitQueueOptions<T>): CommitQueue<T> => {
  let waiting: Job<T>[] = [];
  let running: Promise<void> | undefined;
  let startedAt: number | undefined;
  let lastWriteAt = timeNow();
  let failure: BridgeError | undefined;
  let settlesHeld = false;
  let closing = false;
  let proofWanted = false;
  let later: NodeJS.Timeout | undefined;
  const gathering = createGathering(gather, timeNow);

  const writeGroup = async (group: readonly Job<T>[]): Promise<void> => {
    startedAt = timeNow();
    try {
      if (group.some(({ kind }) => kind !== 'settle')) await assertRoom?.();
      const tables = await environment.ready();
      if (!group.map((job) => job.prepare(tables)).includes(true)) return;
      if (journal !== undefined) await journal.write(group);
      else await environment.commit((current) => { for (const job of group) job.write(current); });
      lastWriteAt = timeNow();
    } finally {
      startedAt = undefined;
    }
  };

  const fail = async (cause: unknown): Promise<BridgeError> => {
    const detail = `${messageOf(cause)}${await circumstances()}`;
    const error = new BridgeError('store_unavailable', { detail, cause });
    if (failure === undefined) logger.error({ reason: error.reason, detail }, 'store cannot be written');
    failure = error;
    return error;
  };

  /** Nothing that came after a failed append may be written: it may be a duplicate that waits for it. */
  const drop = (jobs: readonly Job<T>[], error: BridgeError): Job<T>[] => {
    const kept: Job<T>[] = [];
    for (const job of jobs) {
      if (job.kind === 'settle') kept.push(job);
      else job.failed(error);
    }
    return kept;
  };

  const runGroup = async (group: readonly Job<T>[]): Promise<void> => {
    try {
      await writeGroup(group);
    } catch (cause) {
      const error = await fail(cause);
      const later = waiting;
      waiting = [];
      settlesHeld ||= group.every((job) => job.kind === 'settle');
      waiting = [...drop([...group, ...later], error), ...waiting];
      return;
    }
    for (const job of group) job.done();
  };

  const writeProof = (records: number): Promise<void> =>
    environment.commit(({ meta }) => {
      for (let index = 0; index < records; index += 1) void meta.put(proofKey(index), proofRecord);
    });

  const removeProof = (records: number): Promise<void> =>
    environment.commit(({ meta }) => {
      for (let index = 0; index < records; index += 1) void meta.remove(proofKey(index));
    });

  /** The small commit comes first because LMDB reuses the pages that a transaction freed only in the second one after it, and failed ones do not count. */
  const prove = async (records: number): Promise<void> => {
    startedAt = timeNow();
    try {
      await assertRoom?.();
      await environment.ready();
      await writeProof(1);
      if (records > 1) {
        await writeProof(records);
        await removeProof(records);
      }
      lastWriteAt = timeNow();
      if (failure !== undefined) logger.info('store can be written again');
      failure = undefined;
    } catch (cause) {
      await fail(cause);
    } finally {
      startedAt = undefined;
    }
  };

  const takeGroup = (): Job<T>[] => {
    if (failure === undefined && !settlesHeld) return waiting.splice(0);
    // After a failure the journal may take what a transaction cannot: one message that is to be parked must not keep the delivered ones.
    const usualFirst = !settlesHeld && waiting.some(({ isUsual }) => isUsual === true);
    const isTaken = (job: Job<T>): boolean => (settlesHeld ? job.kind !== 'settle' : !usualFirst || job.isUsual === true);
    const group = waiting.filter(isTaken);
    waiting = waiting.filter((job) => !isTaken(job));
    return group;
  };

  const run = async (): Promise<void> => {
    for (;;) {
      const group = takeGroup();
      if (group.length > 0) {
        gathering.begin(group);
        await runGroup(group);
        gathering.end();
      }
      // After a group, not when the queue is empty: under load it never is.
      if (proofWanted) {
        proofWanted = false;
        await prove(failure === undefined ? 1 : proofRecords);
      } else if (group.length === 0 || waitMs() > 0) return;
    }
  };

  const waitMs = (): number => (closing || proofWanted ? 0 : gathering.waitMs(waiting));

  const startNow = (): void => {
    running ??= new Promise<void>((resolve) => (gathering.isWhole(waiting) ? process.nextTick(resolve) : setImmediate(resolve))).then(run).finally(() => {
      running = undefined;
      if (!closing && !settlesHeld && waiting.length > 0) start();
    });
  };

  const start = (): void => {
    if (running !== undefined) return;
    const wait = waitMs();
    clearTimeout(later);
    if (wait <= 0) startNow();
    else later = setTimeout(startNow, wait);
  };

  return {
    add(job) {
      gathering.add(job, waiting);
      waiting.push(job);
      start();
    },
    failed: (cause) => void fail(cause),
    failure() {
      if (startedAt === undefined || timeNow() - startedAt < slowCommitMs) return failure;
      return failure ?? new BridgeError('store_unavailable', { detail: 'a write takes longer than 10 s' });
    },
    tick() {
      settlesHeld = false;
      journal?.tick();
      if (failure === undefined && timeNow() - lastWriteAt < idleMs && waiting.length === 0) return;
      proofWanted = failure !== undefined || timeNow() - lastWriteAt >= idleMs;
      start();
    },
    async close() {
      closing = true;
      settlesHeld = false;
      proofWanted = false;
      do {
        start();
        await running;
      } while (waiting.length > 0 && !settlesHeld);
      const error = failure ?? new BridgeError('stopping');
      for (const job of waiting.splice(0)) job.failed(error);
    },
  };
};
