import { createPool, type Pool } from 'generic-pool';
import { BridgeError } from '../errors.js';
import type { MqttVersion } from './connect-client.js';
import { refusesVersion } from './connect-failure.js';
import type { MqttSession } from './mqtt-session.js';
import type { ReconnectCoordinator } from './reconnect-coordinator.js';

export interface SessionPoolOptions {
  readonly maxSessions: number;
  readonly version: MqttVersion;
  readonly coordinator: ReconnectCoordinator;
  readonly signal: AbortSignal;
  /** Opens the session with this number (1…maxSessions), which makes its stable client id. */
  readonly open: (number: number, version: MqttVersion) => Promise<MqttSession>;
  readonly connectFailed: (error: unknown) => void;
}

/** Keeps the lives of the sessions: borrowing one opens it, giving it back ends it. */
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
  /** Undefined once it was given back. */
  number: number | undefined;
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

  /** As soon as its session is over, so that the one in its place gets the same client id. */
  const free = (place: Place): void => {
    if (place.number !== undefined) numbers.free(place.number);
    place.number = undefined;
  };

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
        if (!signal.aborted) options.connectFailed(error);
      }
    }
    return { number, session: undefined };
  };

  const destroy = async (place: Place): Promise<void> => {
    if (place.session !== undefined) {
      places.delete(place.session);
      await place.session.end();
    }
    free(place);
  };

  const pool: Pool<Place> = createPool<Place>(
    { create, destroy, validate: async ({ session }) => session?.open ?? true },
    // None stays idle, so nothing has to look for those that do: with hundreds of pools that would be thousands of wake-ups a second.
    { min: 0, max: options.maxSessions, testOnBorrow: true, evictionRunIntervalMillis: 0, fifo: false },
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
      if (place !== undefined) ignoreErrors(pool.destroy(place));
    },
    discard(session) {
      const place = places.get(session);
      if (place === undefined) return;
      free(place);
      if (pool.isBorrowedResource(place)) ignoreErrors(pool.destroy(place));
    },
    async close() {
      await pool.drain();
      await pool.clear();
    },
  };
};
