import { setTimeout as pause } from 'node:timers/promises';
import { BridgeError } from '../errors.js';
import { causeOf } from './cause-of.js';
import { claimClientId } from './claim-client-id.js';
import type { MqttVersion } from './connect-client.js';
import { refusesVersion } from './connect-failure.js';
import { createOutageBackoff } from './outage-backoff.js';
import { filtersOf, type SubscriberOptions } from './subscriber-options.js';
import { openSubscriberSession, type SubscriberSession } from './subscriber-session.js';
import type { SubscriberDeps } from './subscriber.js';
import { takeDownlink } from './take-downlink.js';

/** What it is subscribed to is known from the session. */
export type CollectOptions = Omit<SubscriberOptions, 'stateFile'>;

export interface CollectDeps extends Omit<SubscriberDeps, 'onStatus'> {
  /**
   * So long nothing must come before the session counts as empty, ms. More than a second: AWS gives back what it stored at ten messages a second
   * (AWS IoT Core quotas, "Persistent session"), and they may come at once at the beginning of each.
   */
  readonly quietMs: number;
}

interface Attempt {
  readonly options: CollectOptions;
  readonly deps: CollectDeps;
  /** A message was stored. */
  readonly stored: () => void;
  readonly signal: AbortSignal;
}

const never = new AbortController().signal;

/** Resolves when no message came for so long, and at the earliest so long after it was called. */
const quiet = async (session: SubscriberSession, quietMs: number, stop: AbortSignal): Promise<void> => {
  const from = performance.now();
  for (let left = quietMs; left > 0; left = quietMs - Math.min(session.idleMs(), performance.now() - from)) await pause(Math.max(1, left), undefined, { signal: stop });
};

const unsubscribe = async (session: SubscriberSession, options: CollectOptions, stop: AbortSignal): Promise<void> => {
  const { filter, others } = filtersOf(options);
  const late = pause(options.connectTimeoutMs, undefined, { signal: stop }).then(() => {
    throw new BridgeError('connect_timeout', { detail: 'UNSUBSCRIBE was not answered' });
  });
  await Promise.race([session.unsubscribe([filter, ...others]), late]);
};

/** Takes what is in the session, and ends its subscriptions only then: the broker may drop what waits with them (MQTT 5.0, 3.10.4). */
const empty = async (session: SubscriberSession, { options, deps: { quietMs } }: Attempt, stop: AbortSignal): Promise<void> => {
  const ended = session.ended.then(({ reason, detail }) => {
    throw new BridgeError(reason, { detail });
  });
  const steps = async (): Promise<void> => {
    await quiet(session, quietMs, stop);
    await unsubscribe(session, options, stop);
    await quiet(session, quietMs, stop);
  };
  await Promise.race([steps(), ended]);
};

/** One session. Gives whether the broker had kept one, which is empty now. @throws BridgeError when it failed; what was not stored is still at the broker */
const collectOnce = async (attempt: Attempt): Promise<boolean> => {
  const { options, deps, stored, signal } = attempt;
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const session = await openSubscriberSession({
    ...options,
    take: async (message) => {
      await takeDownlink(message, options, deps);
      stored();
    },
    stop,
    cut: never,
    gate: deps.gate,
  }).catch((error: unknown) => {
    if (!signal.aborted) deps.metrics.connectFailed(options.connectionId, causeOf(error).reason);
    throw error;
  });
  try {
    if (session.present) await empty(session, attempt, stop);
  } catch (error) {
    if (!signal.aborted) deps.metrics.sessionLost(options.connectionId, causeOf(error).reason);
    throw error;
  } finally {
    over.abort();
    await session.ended;
    await session.finished();
  }
  if (session.missed()) throw new BridgeError('session_lost', { detail: 'a downlink came while the session was being left' });
  return session.present;
};

/**
 * Takes over the downlinks that wait at AWS in the persistent session of a replica that is gone, under its client id, and ends the session: nothing more is
 * queued in it. While downlinks keep coming to it, it goes on as one more subscriber. Outages are outlasted, with the pauses of the options.
 * @throws the abort: then the session is left as it is, with what is still in it; the last failure, when the reconnect strategy gives up
 */
export const collectDownlinks = async (options: CollectOptions, deps: CollectDeps, signal: AbortSignal): Promise<void> => {
  const { endpoint, clientId, connectionId, connectTimeoutMs: timeoutMs, reconnect, reconnectStrategy: strategy } = options;
  const logger = deps.logger.child({ connection_id: connectionId, client_id: clientId });
  const backoff = createOutageBackoff({ reconnect, strategy, now: deps.now });
  let version: MqttVersion = options.version;
  let count = 0;
  const stored = (): void => {
    count += 1;
    backoff.recovered();
  };
  for (;;) {
    try {
      signal.throwIfAborted();
      const kept = await collectOnce({ options: { ...options, version }, deps: { ...deps, logger }, stored, signal });
      // A session that is new holds nothing, is subscribed to nothing, and ends by itself.
      if (kept) await claimClientId({ endpoint, clientId, version, gate: deps.gate, timeoutMs }, signal);
      return logger.info({ detail: `${count} came` }, 'collected the downlinks of a replica that is gone');
    } catch (error) {
      signal.throwIfAborted();
      logger.debug(causeOf(error), 'downlinks of a replica that is gone could not be collected');
      if (version === 5 && error instanceof BridgeError && refusesVersion(error.cause)) version = 4;
      const wait = backoff.failed();
      if (wait === undefined) throw error;
      await pause(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
};
