import { BridgeError } from '../../../errors.js';
import { createLogger, type Logger } from '../../../log.js';
import type { Outbox, ParkedMessages, SharedOutboxListener } from '../../../uplink/ports.js';
import { hashTag } from '../keys.js';
import { openRedisLink } from '../redis-link.js';
import { redisAddressOf, type RedisReach } from '../redis-options.js';
import { createAdoption, type Adoption } from './adoption.js';
import * as appendScripts from './append-scripts.js';
import { createAppends } from './appends.js';
import { createErrands } from './errands.js';
import { createEvaluate } from './evaluate.js';
import { createParkedMessages } from './parked-messages.js';
import * as parkedScripts from './parked-scripts.js';
import { createRecordReader } from './record-reader.js';
import { createSettles } from './settles.js';
import { createSharedTotals } from './shared-totals.js';
import { createSingleFlight } from './single-flight.js';
import { createSlotCalls, type HeldSlot } from './slot-calls.js';
import * as slotScripts from './slot-scripts.js';

export interface RedisOutboxOptions extends RedisReach {
  /** Begins all keys; bridges with the same prefix share the outbox. */
  readonly keyPrefix?: string;
  readonly logger: Logger;
  /** Limits of what is pending, of all replicas together. Bytes: payloads and ids as they are kept, and 64 for each message. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  /** How long after its arrival a message is recognised when it comes again. */
  readonly dedupWindowMs: number;
  /** Past it the oldest parked messages are removed; of all replicas together. */
  readonly parkedMaxBytes: number;
  /** The slot that this process holds now. */
  readonly slot: () => HeldSlot;
  /** Called when the store finds that the slot is not held; resolves when `slot` gives one that is. @throws BridgeError store_unavailable */
  readonly lost: (slot: string) => Promise<void>;
  /** Asked at each call. */
  readonly listener: () => SharedOutboxListener;
  readonly now?: () => number;
}

/** Times that tests change. */
export interface OutboxTuning {
  /** Between two looks at Redis, ms. */
  readonly watchMs: number;
  /** Between two questions for news of other replicas, which the answer to every call brings too, ms. */
  readonly lookMs: number;
}

/** The outbox of this process's slot, within an outbox that replicas share. */
export interface RedisOutbox extends Outbox, ParkedMessages, Adoption {
  /** Unsettled messages of the connection that were found when the outbox was opened. */
  restored(connectionId: string): number;
  /** Connections that have unsettled messages, whether they are configured or not. */
  waiting(): readonly string[];
  /** Of all replicas; `dropped`: removed by this one since start because the parked messages outgrew their limit. */
  parkedTotals(): { readonly messages: number; readonly bytes: number; readonly dropped: number };
}

const defaults: OutboxTuning = { watchMs: 1_000, lookMs: 500 };

/** One warning for a burst: as long as messages are removed more often than this, no other is logged. */
const burstMs = 60_000;

const scripts = [appendScripts, slotScripts, parkedScripts].flatMap((module) => Object.values(module));

/** Warns of bursts of removed messages. */
const createDropWarning = (logger: Logger, limit: number): (() => void) => {
  let lastAt = Number.NEGATIVE_INFINITY;
  return () => {
    const at = performance.now();
    if (at - lastAt > burstMs) logger.warn({ detail: `limit ${limit} bytes` }, 'oldest parked messages removed');
    lastAt = at;
  };
};

/**
 * Opens the outbox on Redis. While Redis does not answer, it is open all the same: appends and reads throw `store_unavailable`, and what is settled waits, until
 * Redis comes.
 * @throws BridgeError redis_unsafe when Redis answers and its settings may lose messages; config_invalid when the URL is none
 */
export const openRedisOutbox = async (options: RedisOutboxOptions, tuning: Partial<OutboxTuning> = {}): Promise<RedisOutbox> => {
  const { logger, maxBytes, maxMessages, dedupWindowMs, parkedMaxBytes, slot, lost, listener, now = Date.now } = options;
  const { watchMs, lookMs } = { ...defaults, ...tuning };
  const tag = hashTag(options.keyPrefix ?? 'lpwan-bridge');
  // The link of the downlinks tells about Redis; a second one would say everything twice.
  const link = await openRedisLink({ address: redisAddressOf(options), tag, scripts, watchMs, logger: createLogger('silent') });
  const unsafe = link.problem();
  if (unsafe?.reason === 'redis_unsafe') {
    link.close();
    throw new BridgeError('redis_unsafe', { detail: unsafe.detail });
  }
  let closing: Promise<void> | undefined;
  let restored: ReadonlyMap<string, number> = new Map();
  let warned = false;
  let looking = false;
  const isOpen = (): void => {
    if (closing !== undefined) throw new BridgeError('stopping');
  };
  const totals = createSharedTotals({ messages: maxMessages, bytes: maxBytes }, createDropWarning(logger, parkedMaxBytes));
  const evaluate = createEvaluate(link, tag);
  const calls = createSlotCalls({ evaluate, current: slot, lost, listener, totals, rewound: () => settles.abandon('redis has lost its latest changes'), limits: [dedupWindowMs, Math.min(maxMessages, Number.MAX_SAFE_INTEGER), maxBytes, parkedMaxBytes], now, logger });
  const wake = (): void => flight.wake();
  const appends = createAppends({ calls, isUp: () => link.isUp(), totals, listener, wake });
  const settles = createSettles({ calls, current: slot, wake, logger });
  const errands = createErrands(wake);
  const flight = createSingleFlight([settles, appends, errands]);

  const warnOfDelay = (): void => {
    const policy = link.appendfsync();
    if (warned || policy === undefined || policy === 'always') return;
    warned = true;
    logger.warn({ detail: `appendfsync ${policy}` }, 'accepted messages of the last second, or more, can be lost when the machine of Redis fails; appendfsync always prevents it');
  };

  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    // What it could not learn is learnt at the next one.
    await errands.do(() => calls.call(slotScripts.lookScript, [])).catch(() => undefined);
    looking = false;
  };

  const tick = setInterval(() => {
    if (!link.isUp()) return;
    warnOfDelay();
    settles.retry();
    void look();
  }, lookMs).unref();

  link.onChange((up) => {
    if (!up || closing !== undefined) return;
    calls.doubt();
    settles.retry();
    void look();
  });

  const close = async (): Promise<void> => {
    clearInterval(tick);
    settles.retry();
    await flight.idle();
    settles.abandon('the outbox was closed before it could be written');
    link.close();
  };

  if (link.isUp()) {
    warnOfDelay();
    // What cannot be asked now is found when it can.
    await calls.begin().catch(() => undefined);
    restored = new Map([...calls.standings()].map(([connectionId, { messages }]) => [connectionId, messages]));
  }

  return {
    async append(batch) {
      isOpen();
      return appends.append(batch);
    },
    async settle(batch) {
      isOpen();
      await settles.settle(batch);
    },
    ...createRecordReader({ link, evaluate, tag, slot: () => slot().slot, standing: (connectionId) => calls.standings().get(connectionId) }),
    ...createParkedMessages({ evaluate, calls, errands, totals, isOpen }),
    ...createAdoption({ link, tag, calls, errands, listener, isOpen }),
    pending(connectionId) {
      const { messages, bytes } = calls.standings().get(connectionId) ?? { messages: 0, bytes: 0 };
      return { messages, bytes };
    },
    oldestAcceptedAt: (connectionId) => calls.standings().get(connectionId)?.oldestAt,
    unwritable() {
      if (closing !== undefined) return 'stopping';
      if (!link.isUp()) return 'store_unavailable';
      return totals.isFull() ? 'outbox_full' : undefined;
    },
    restored: (connectionId) => restored.get(connectionId) ?? 0,
    waiting: () => [...calls.standings().keys()],
    parkedTotals: () => totals.parked(),
    close: () => (closing ??= close()),
  };
};
