import { setTimeout as pause } from 'node:timers/promises';
import { createInTurn } from '../in-turn.js';

/** Lets a connection's downlinks out one by one. Resolves when the next one may leave. */
export type SendGate = (connectionId: string) => Promise<void>;

/** Share of the rate at which they leave at most: more than the queue's pace, and less than the rate by what follows. */
const usedShare = 0.95;
/** A timer that ends this late is made up for, ms, or timers alone would slow the pace down. */
const longestLagMs = 10;

/**
 * The last look before a downlink leaves the process. The queue paces; what it paced waits for stores after that, and a process that stood
 * still for a moment would send all those at once. Here they leave at the distance that the rate allows, whatever happened before.
 * @param ratePerSecond Downlinks of a connection in any second.
 */
export const createSendGate = (ratePerSecond: (connectionId: string) => number): SendGate => {
  const inTurn = createInTurn();
  const nextAt = new Map<string, number>();

  const waitMs = (connectionId: string): number => (nextAt.get(connectionId) ?? 0) - performance.now();

  return (connectionId) =>
    inTurn(connectionId, async () => {
      for (let wait = waitMs(connectionId); wait > 0; wait = waitMs(connectionId)) await pause(wait);
      nextAt.set(connectionId, Math.max(nextAt.get(connectionId) ?? 0, performance.now() - longestLagMs) + 1_000 / (ratePerSecond(connectionId) * usedShare));
    });
};
