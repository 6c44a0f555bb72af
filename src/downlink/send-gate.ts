/** Lets a connection's downlinks out one by one. Resolves when the next one may leave. */
export type SendGate = (connectionId: string) => Promise<void>;

/** Share of the rate at which they leave at most: more than the queue's pace, and less than the rate by what follows. */
const usedShare = 0.97;
/** A timer that ends this late is made up for, ms, or timers alone would slow the pace down. */
const longestLagMs = 15;

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/**
 * The last look before a downlink leaves the process. The queue paces; what it paced waits for stores after that, and a process that stood
 * still for a moment would send all those at once. Here they leave at the distance that the rate allows, whatever happened before.
 * @param ratePerSecond Downlinks of a connection in any second.
 */
export const createSendGate = (ratePerSecond: (connectionId: string) => number): SendGate => {
  const lines = new Map<string, { before: Promise<void>; nextAt: number }>();

  return (connectionId) => {
    const line = lines.get(connectionId) ?? { before: Promise.resolve(), nextAt: Number.NEGATIVE_INFINITY };
    lines.set(connectionId, line);
    line.before = line.before.then(async () => {
      for (let wait = line.nextAt - performance.now(); wait > 0; wait = line.nextAt - performance.now()) await pause(wait);
      line.nextAt = Math.max(line.nextAt, performance.now() - longestLagMs) + 1_000 / (ratePerSecond(connectionId) * usedShare);
    });
    return line.before;
  };
};
