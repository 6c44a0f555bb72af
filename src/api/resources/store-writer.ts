import { setTimeout as wait } from 'node:timers/promises';
import { backoffMs } from '../../backoff.js';
import { BridgeError } from '../../errors.js';
import { createInTurn } from '../../in-turn.js';
import type { Caller } from '../caller.js';
import type { AuditEntry, ResourceChange, ResourceSnapshot, ResourceStore } from '../ports.js';
import type { Removal } from './effective.js';

/** What is to be written, and what the caller gets for it. */
export interface Plan<T> {
  readonly changes: readonly ResourceChange[];
  readonly audit: Pick<AuditEntry, 'action' | 'kind' | 'id' | 'changed'>;
  /** Told with the change to those who follow it. */
  readonly removal?: Removal;
  /** Made once the changes are written. */
  readonly result: () => T;
}

export interface StoreWriter {
  /**
   * Plans a change by what the store holds and writes it. When somebody else wrote meanwhile, it is planned again by what they
   * wrote, so every rule holds for what is in the store in the end.
   * @throws what `plan` throws; BridgeError resource_changed when others kept writing, store_unavailable, redis_unavailable
   */
  write<T>(plan: (snapshot: ResourceSnapshot) => Plan<T>, actor: Caller): Promise<T>;
  /** Reads the store in turn with the writes, so that nothing newer is overtaken. */
  refresh(): Promise<void>;
}

export interface StoreWriterOptions {
  readonly store: ResourceStore;
  /** Given each snapshot that was read or written. */
  readonly adopt: (snapshot: ResourceSnapshot, removal?: Removal) => void;
}

/** Each attempt fails only because another one succeeded; so many in a row mean a storm of changes. Together they wait at most 3 s. */
const attempts = 20;
const pause = { minMs: 2, maxMs: 200 };

const isChanged = (error: unknown): boolean => error instanceof BridgeError && error.reason === 'resource_changed';

export const createStoreWriter = ({ store, adopt }: StoreWriterOptions): StoreWriter => {
  const inTurn = createInTurn();
  const read = async (): Promise<ResourceSnapshot> => {
    const snapshot = await store.read();
    adopt(snapshot);
    return snapshot;
  };

  /** False: the store moved on since it was read. */
  const tryToWrite = async (plan: Plan<unknown>, version: number, actor: Caller): Promise<boolean> => {
    try {
      adopt(await store.write(plan.changes, version, { ...plan.audit, ...actor, time: Date.now() }), plan.removal);
      return true;
    } catch (error) {
      if (isChanged(error)) return false;
      throw error;
    }
  };

  return {
    write: (plan, actor) =>
      inTurn('store', async () => {
        for (let attempt = 1; attempt <= attempts; attempt++) {
          const snapshot = await read();
          const planned = plan(snapshot);
          if (planned.changes.length === 0 || (await tryToWrite(planned, snapshot.version, actor))) return planned.result();
          await wait(backoffMs(pause, attempt));
        }
        throw new BridgeError('resource_changed', { detail: 'others keep changing the resources; try again' });
      }),
    refresh: () => inTurn('store', async () => void (await read())),
  };
};
