import { createDeferred } from '../../deferred.js';
import type { Logger } from '../../log.js';
import type { PendingTotals } from '../../uplink/ports.js';
import type { CommitQueue } from './commit-queue.js';
import type { ConnectionState, Connections } from './connections.js';
import type { Tables } from './environment.js';
import { recordRange, seqOf } from './outbox-keys.js';
import type { ParkedClaims } from './parked-claims.js';
import { storedBytes } from './record-encoding.js';

export interface ParkedTotals extends PendingTotals {
  /** Removed since start because the parked messages outgrew their limit. */
  readonly dropped: number;
}

/** The size of what is parked, held below its limit. */
export interface ParkedRoom {
  /** A record of the connection was parked; its value counts from now on. */
  added(state: ConnectionState, bytes: number): void;
  /** One was taken out. */
  removed(state: ConnectionState, bytes: number): void;
  /** Removes the oldest when there are too many; called after a commit that parked something, and once a second. */
  trim(): void;
  totals(): ParkedTotals;
}

export interface ParkedRoomOptions {
  readonly queue: CommitQueue;
  readonly connections: Connections;
  readonly claims: ParkedClaims;
  readonly logger: Logger;
  readonly maxBytes: number;
  readonly found: Iterable<PendingTotals>;
}

/** Oldest records looked at for each connection in one step. */
const trimStep = 200;
/** One warning for a burst: as long as messages are removed more often than this, no other is logged. */
const burstMs = 60_000;

interface Victim {
  readonly state: ConnectionState;
  readonly key: Buffer;
  readonly bytes: number;
}

export const createParkedRoom = ({ queue, connections, claims, logger, maxBytes, found }: ParkedRoomOptions): ParkedRoom => {
  let messages = 0;
  let bytes = 0;
  let dropped = 0;
  let trimming = false;
  let lastDropAt = -Infinity;
  for (const totals of found) {
    messages += totals.messages;
    bytes += totals.bytes;
  }

  const removed = (state: ConnectionState, size: number): void => {
    messages -= 1;
    bytes -= size;
    connections.countParked(state, -1);
  };

  const oldest = ({ parked }: Tables): Victim[] => {
    const candidates = connections.withParked().flatMap((state) => [
      ...parked.getRange({ ...recordRange(state.ordinal, -1), limit: trimStep }).map(({ key, value }) => ({ state, key, bytes: storedBytes(value) })),
    ]);
    return candidates.sort((one, other) => seqOf(one.key) - seqOf(other.key));
  };

  const victimsOf = (tables: Tables): Victim[] => {
    let excess = bytes - maxBytes;
    const victims: Victim[] = [];
    // Beyond the first page of some connection the order is not known, so no more than one page goes at a time.
    for (const victim of oldest(tables).slice(0, trimStep)) {
      if (excess <= 0) break;
      excess -= victim.bytes;
      if (!claims.has(seqOf(victim.key))) victims.push(victim);
    }
    return victims;
  };

  const drop = (victims: readonly Victim[]): void => {
    for (const victim of victims) removed(victim.state, victim.bytes);
    dropped += victims.length;
    const at = performance.now();
    if (at - lastDropAt > burstMs) logger.warn({ detail: `limit ${maxBytes} bytes` }, 'oldest parked messages removed');
    lastDropAt = at;
  };

  const trim = (): void => {
    if (trimming || bytes <= maxBytes) return;
    trimming = true;
    const { promise, resolve, reject } = createDeferred();
    promise.catch(() => undefined);
    let victims: Victim[] = [];
    const release = (): void => {
      trimming = false;
      claims.release(victims.map(({ key }) => seqOf(key)));
    };
    queue.add({
      kind: 'upkeep',
      prepare(tables) {
        victims = victimsOf(tables);
        claims.claim(victims.map(({ key }) => seqOf(key)), promise);
        return victims.length > 0;
      },
      write: ({ parked }) => { for (const { key } of victims) void parked.remove(key); },
      done() {
        release();
        resolve();
        if (victims.length === 0) return;
        drop(victims);
        trim();
      },
      failed(error) {
        release();
        reject(error);
      },
    });
  };

  return {
    added(state, size) {
      messages += 1;
      bytes += size;
      connections.countParked(state, 1);
    },
    removed,
    trim,
    totals: () => ({ messages, bytes, dropped }),
  };
};
