import { createPool, type Pool } from 'generic-pool';
import { BridgeError, messageOf, type Reason } from '../errors.js';
import type { MqttVersion } from './connect-client.js';
import { refusesVersion } from './connect-failure.js';
import type { MqttSession } from './mqtt-session.js';
import type { ReconnectCoordinator } from './reconnect-coordinator.js';

export interface SessionPoolOptions {
  readonly maxSessions: number;
  readonly version: MqttVersion;
  readonly coordinator: ReconnectCoordinator;
  /** How long a session that was given back stays connected, ms. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Opens the session with this number (1…maxSessions), which makes its stable client id. */
  readonly open: (number: number, version: MqttVersion) => Promise<MqttSession>;
  readonly connectFailed: (reason: Reason, detail: string) => void;
}

/** Keeps the lives of the sessions: borrowing one opens it, giving it back lets it end when it stays idle. */
export interface SessionPool {
  /** A connected session; waits through any outage. Undefined when the pool was closed. */
  borrow(): Promise<MqttSession | undefined>;
  giveBack(session: MqttSession): void;
  /** Forgets a session that ended. */
  discard(session: MqttSession): void;
  close(): Promise<void>;
}

/** What generic-pool holds: the session, or nothing when the pool closes while one is being made. */
interface Place {
  readonly number: number;
  readonly session: MqttSession | undefined;
}

/** Every session that closes quickly after it opened counts as a failed connect, ms. */
export const stableAfterMs = 10_000;

/** Gives out the lowest free number, so that client ids stay the same over reconnects. */
const createNumbers = (max: number): { take(): number; free(number: number): void } => {
  const taken = new Set<number>();
  return {
    take() {
      let number = 1;
      while (taken.has(number) && number < max) number += 1;
      taken.add(number);
      return number;
    },
    free: (number) => void taken.delete(number),
  };
};

export const createSessionPool = (options: SessionPoolOptions): SessionPool => {
  const { coordinator, signal } = options;
  const numbers = createNumbers(options.maxSessions);
  const places = new Map<MqttSession, Place>();
  let version = options.version;

  const attempt = async (number: number): Promise<MqttSession> => {
    try {
      return await options.open(number, version);
    } catch (error) {
      if (version === 5 && error instanceof BridgeError && refusesVersion(error.cause)) version = 4;
      throw error;
    }
  };

  /** generic-pool calls `create` again at once when it fails, so it must not fail: it waits through outages itself. */
  const create = async (): Promise<Place> => {
    const number = numbers.take();
    while (!signal.aborted) {
      try {
        const session = await coordinator.attempt(() => attempt(number));
        const place = { number, session };
        places.set(session, place);
        return place;
      } catch (error) {
        if (!signal.aborted) options.connectFailed(error instanceof BridgeError ? error.reason : 'internal_error', messageOf(error));
      }
    }
    return { number, session: undefined };
  };

  const destroy = async ({ number, session }: Place): Promise<void> => {
    if (session !== undefined) {
      places.delete(session);
      await session.end();
    }
    numbers.free(number);
  };

  const pool: Pool<Place> = createPool<Place>(
    { create, destroy, validate: async ({ session }) => session?.open ?? true },
    { min: 0, max: options.maxSessions, testOnBorrow: true, idleTimeoutMillis: options.idleTimeoutMs, evictionRunIntervalMillis: Math.max(100, options.idleTimeoutMs / 4), fifo: false },
  );

  const ignoreErrors = (work: PromiseLike<void>): void => void Promise.resolve(work).catch(() => undefined);

  return {
    async borrow() {
      const place = await pool.acquire();
      if (place.session !== undefined) return place.session;
      ignoreErrors(pool.destroy(place));
      return undefined;
    },
    giveBack(session) {
      const place = places.get(session);
      if (place !== undefined) ignoreErrors(pool.release(place));
    },
    discard(session) {
      const place = places.get(session);
      if (place !== undefined) ignoreErrors(pool.isBorrowedResource(place) ? pool.destroy(place) : Promise.resolve());
    },
    async close() {
      await pool.drain();
      await pool.clear();
    },
  };
};
