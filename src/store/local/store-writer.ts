import { BridgeError } from '../../errors.js';
import type { CommitQueue } from './commit-queue.js';
import type { Job } from './job.js';
import type { Sequence } from './sequence.js';
import type { AnyTables } from './environment.js';

/** One change of the store. `done` and `failed` are called in the order of the changes, before anybody who waits for one hears of it. */
export interface Change<T extends AnyTables> {
  /** `append` fails with its transaction, `settle` is tried until it is written, `upkeep` is dropped. */
  readonly kind: Job['kind'];
  /** Reads what it needs, right before the transaction; false: nothing to write. */
  readonly prepare?: (tables: T) => boolean;
  readonly write: (tables: T) => void;
  readonly done?: () => void;
  readonly failed?: () => void;
}

/** Writes changes; all that are asked for in one turn of the event loop, or while a transaction is under way, share one. */
export interface StoreWriter<T extends AnyTables> {
  /** Resolves when durable. @throws BridgeError `store_unavailable`, `stopping` */
  commit(change: Change<T>): Promise<void>;
  /** The next position. It is used for good with the next commit. */
  nextSeq(): number;
  /** @throws BridgeError store_unavailable when it is known that nothing can be written */
  assertWritable(): void;
  close(): Promise<void>;
}

export const createStoreWriter = <T extends AnyTables>(queue: CommitQueue<T>, sequence: Sequence): StoreWriter<T> => {
  let closed = false;

  const jobOf = ({ kind, prepare, write, done, failed }: Change<T>, resolve: () => void, reject: (error: BridgeError) => void): Job<T> => {
    let reserves = false;
    return {
      kind,
      prepare: (tables) => prepare?.(tables) ?? true,
      write(tables) {
        reserves = sequence.reserveNeeded();
        if (reserves) sequence.write(tables);
        write(tables);
      },
      done() {
        if (reserves) sequence.written();
        done?.();
        resolve();
      },
      failed(error) {
        failed?.();
        reject(error);
      },
    };
  };

  return {
    commit: (change) =>
      new Promise<void>((resolve, reject) => {
        const job = jobOf(change, resolve, reject);
        if (closed) job.failed(new BridgeError('stopping'));
        else queue.add(job);
      }),
    nextSeq: () => sequence.take(),
    assertWritable() {
      const failure = queue.failure();
      if (failure !== undefined) throw new BridgeError('store_unavailable', { detail: failure.detail ?? failure.message, cause: failure.cause });
    },
    async close() {
      await queue.close();
      closed = true;
    },
  };
};
