import type { RedisAddress } from './redis-options.js';

/** Tells when the version of something changed, whoever changed it. */
export interface ChangeFeed {
  /** May be called without a change. Returns what ends the calls. */
  onChange(listener: () => void): () => void;
  /** A version that this process made itself. */
  made(version: number): void;
  /** Looks at the version now. */
  look(): void;
  close(): void;
}

export interface ChangeFeedOptions {
  readonly address: RedisAddress;
  /** Where a change is told. */
  readonly channel: string;
  readonly version: () => Promise<number>;
  /** Between two looks at the version, ms: what was told while the connection was away is not told again. */
  readonly pollMs: number;
}

export const openChangeFeed = ({ address, channel, version, pollMs }: ChangeFeedOptions): ChangeFeed => {
  const listeners = new Set<() => void>();
  let seen: number | undefined;
  let closed = false;

  const made = (current: number): void => {
    if (closed || current === seen) return;
    seen = current;
    for (const listener of listeners) listener();
  };

  const look = (): void => {
    if (!closed) void version().then(made, () => undefined);
  };

  // It waits for Redis as long as it takes, and subscribes again by itself.
  const client = address.connect({ maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  // What changed before Redis had the subscription is not told.
  client.on('ready', () => void client.subscribe(channel).then(look, () => undefined));
  client.on('message', look);
  const timer = setInterval(look, pollMs);
  look();

  return {
    onChange(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    made,
    look,
    close() {
      closed = true;
      clearInterval(timer);
      client.disconnect();
    },
  };
};
