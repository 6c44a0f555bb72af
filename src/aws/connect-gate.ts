/** Lets the process's connects begin a few at a time, so that hundreds of connections do not shake hands in the same tick. */
export interface ConnectGate {
  /**
   * Resolves when the connect may begin, to what is called when it ended.
   * @param address What is connected to; one that was slow or failed the last time has to share fewer places.
   * @param clientId Under which MQTT client id, where the one who asks has settled on it.
   * @throws the abort; BridgeError slot_lost, store_unavailable where the client id may be another replica's now
   */
  enter(address: string, signal: AbortSignal, clientId?: string): Promise<(connected: boolean) => void>;
}

export interface ConnectGateOptions {
  /** Connects under way at a time. */
  readonly atOnce?: number;
  /** A connect that takes longer than this gives its place away: it waits for the network then, and uses no CPU. ms. */
  readonly holdMs?: number;
}

interface Waiting {
  readonly address: string;
  readonly go: () => void;
}

/**
 * One for the process. Nobody waits for a dead endpoint: a place is held for `holdMs` at most, and the addresses that were slow or
 * failed share half of the places.
 */
export const createConnectGate = ({ atOnce = 20, holdMs = 500 }: ConnectGateOptions = {}): ConnectGate => {
  const suspects = new Set<string>();
  const queue = new Set<Waiting>();
  const most = { trusted: atOnce, suspect: Math.max(1, Math.floor(atOnce / 2)) };
  let taken = 0;
  let takenBySuspects = 0;

  const mayGo = (address: string): boolean => taken < most.trusted && (!suspects.has(address) || takenBySuspects < most.suspect);

  const letIn = (): void => {
    for (const waiting of queue) {
      if (taken >= most.trusted) return;
      if (!mayGo(waiting.address)) continue;
      queue.delete(waiting);
      waiting.go();
    }
  };

  const take = (address: string): ((connected: boolean) => void) => {
    const suspect = suspects.has(address);
    let held = true;
    taken += 1;
    if (suspect) takenBySuspects += 1;
    const leave = (): void => {
      if (!held) return;
      held = false;
      clearTimeout(late);
      taken -= 1;
      if (suspect) takenBySuspects -= 1;
      letIn();
    };
    const late = setTimeout(() => {
      suspects.add(address);
      leave();
    }, holdMs);
    late.unref();
    return (connected) => {
      if (connected) suspects.delete(address);
      else suspects.add(address);
      leave();
    };
  };

  return {
    enter(address, signal) {
      if (queue.size === 0 && mayGo(address)) return Promise.resolve(take(address));
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          queue.delete(waiting);
          reject(signal.reason as Error);
        };
        const waiting: Waiting = {
          address,
          go: () => {
            signal.removeEventListener('abort', abort);
            resolve(take(address));
          },
        };
        if (signal.aborted) return abort();
        signal.addEventListener('abort', abort, { once: true });
        queue.add(waiting);
        letIn();
      });
    },
  };
};
