import { backoffMs, type Backoff } from '../../backoff.js';
import { BridgeError, messageOf, type Reason } from '../../errors.js';
import { within, type Deadline } from '../../lifecycle.js';
import { createFifo } from './fifo.js';
import { createTroubles, type Trouble, type TroubleListener } from './troubles.js';

export interface QueueOptions {
  /** Settles a device. What it throws is tried again later. */
  readonly attempt: (deviceId: string) => Promise<void>;
  /** Most attempts at the same time. */
  readonly concurrency: number;
  /** Between the attempts of one device. */
  readonly backoff: Backoff;
  readonly troubles: TroubleListener;
}

/** The devices that are to be registered: those that never failed before those that did, none blocked by another. */
export interface RegistrationQueue {
  /** Adds a device that is not in it. */
  add(deviceId: string): void;
  /** Tries a device that failed again now. */
  hurry(deviceId: string): void;
  trouble(): Trouble | undefined;
  start(): void;
  /** Begins nothing more, and waits for what is under way. */
  stop(deadline: Deadline): Promise<void>;
}

/** A device that failed. `dueAt` is absent while it is queued or under way again. */
interface Failed {
  readonly failures: number;
  readonly reason: Reason;
  dueAt?: number;
}

/** With these no device can succeed, so nothing but one attempt now and then is made until AWS answers again. */
const troublesOfAll: ReadonlySet<Reason> = new Set(['registry_unreachable', 'registry_throttled', 'aws_credentials_missing']);
const holdBackoff: Backoff = { minMs: 1_000, maxMs: 60_000 };
const longestTickMs = 1_000;

export const createRegistrationQueue = ({ attempt, concurrency, backoff, troubles: listener }: QueueOptions): RegistrationQueue => {
  const waiting = createFifo<string>();
  const failed = new Map<string, Failed>();
  const underWay = new Set<Promise<void>>();
  const troubles = createTroubles(listener);
  const hold: Backoff = { minMs: Math.min(holdBackoff.minMs, backoff.minMs), maxMs: Math.min(holdBackoff.maxMs, backoff.maxMs) };
  const tickMs = Math.min(longestTickMs, backoff.minMs);
  let running = false;
  let timer: NodeJS.Timeout | undefined;
  let holds = 0;
  let heldUntil = 0;

  const tick = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const now = performance.now();
    let later = holds > 0;
    for (const [deviceId, device] of failed) {
      if (device.dueAt === undefined) continue;
      if (device.dueAt > now) {
        later = true;
        continue;
      }
      delete device.dueAt;
      waiting.push(deviceId);
    }
    if (later) wake();
    pump();
  };

  const wake = (): void => {
    if (running) timer ??= setTimeout(tick, tickMs);
  };

  const mayBegin = (): boolean => {
    if (!running || underWay.size >= concurrency) return false;
    return holds === 0 || (underWay.size === 0 && performance.now() >= heldUntil);
  };

  const pump = (): void => {
    while (mayBegin()) {
      const deviceId = waiting.shift();
      if (deviceId === undefined) return;
      const work: Promise<void> = run(deviceId).finally(() => {
        underWay.delete(work);
        pump();
      });
      underWay.add(work);
    }
  };

  const run = async (deviceId: string): Promise<void> => {
    try {
      await attempt(deviceId);
    } catch (error) {
      if (running) noteFailure(deviceId, error);
      return;
    }
    noteSuccess(deviceId);
  };

  const noteFailure = (deviceId: string, error: unknown): void => {
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    const before = failed.get(deviceId);
    if (before?.reason !== reason) {
      if (before !== undefined) troubles.leave(before.reason);
      troubles.enter(reason, messageOf(error));
    }
    const failures = (before?.failures ?? 0) + 1;
    failed.set(deviceId, { failures, reason, dueAt: performance.now() + backoffMs(backoff, failures - 1) });
    if (!troublesOfAll.has(reason)) holds = 0;
    else if (performance.now() >= heldUntil) {
      heldUntil = performance.now() + backoffMs(hold, holds);
      holds += 1;
    }
    wake();
  };

  /** What kept this device out, or all of them, may be gone for the others too. */
  const noteSuccess = (deviceId: string): void => {
    const before = failed.get(deviceId);
    if (before !== undefined) {
      failed.delete(deviceId);
      troubles.leave(before.reason);
    }
    if (before === undefined && holds === 0) return;
    holds = 0;
    for (const device of failed.values()) {
      if (device.dueAt !== undefined && (device.reason === before?.reason || troublesOfAll.has(device.reason))) device.dueAt = 0;
    }
    wake();
  };

  return {
    add(deviceId) {
      waiting.push(deviceId);
      pump();
    },
    hurry(deviceId) {
      const device = failed.get(deviceId);
      if (device?.dueAt === undefined) return;
      device.dueAt = 0;
      tick();
    },
    trouble: () => troubles.current(),
    start() {
      running = true;
      pump();
    },
    async stop(deadline) {
      running = false;
      clearTimeout(timer);
      await within(deadline, Promise.allSettled(underWay).then(() => undefined));
    },
  };
};
