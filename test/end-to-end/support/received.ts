/** One message as it left the broker. */
export interface Received {
  readonly topic: string;
  readonly payload: string;
}

/** What a broker received, and a bounded wait for more. */
export interface ReceivedMessages {
  readonly all: readonly Received[];
  add(message: Received): void;
  until(what: string, done: (all: readonly Received[]) => boolean, timeoutMs?: number): Promise<void>;
}

export const createReceived = (): ReceivedMessages => {
  const all: Received[] = [];
  const checks = new Set<() => void>();
  return {
    all,
    add(message) {
      all.push(message);
      for (const check of checks) check();
    },
    until: (what, done, timeoutMs = 60_000) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!done(all)) return;
          clearTimeout(timer);
          checks.delete(check);
          resolve();
        };
        const timer = setTimeout(() => {
          checks.delete(check);
          reject(new Error(`${what} did not happen in ${timeoutMs} ms; ${all.length} messages were received`));
        }, timeoutMs);
        checks.add(check);
        check();
      }),
  };
};
