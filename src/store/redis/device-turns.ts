import { setTimeout as wait } from 'node:timers/promises';
import type { QueueWork, Verdict } from '../../downlink/ports.js';
import type { DeviceLists, Head, Settlement } from './device-lists.js';

/** What a device's wake-up leads to: nothing waits any more, or it sleeps again. */
export type TurnEnd = 'empty' | { readonly sleepMs: number; /** The head that the sleep is for. */ readonly for?: string };

/** Hands out the downlinks of one device after the other, in order, at the rate. */
export interface DeviceTurns {
  /** Never throws. */
  take(deviceKey: string): Promise<TurnEnd>;
  /** From now on nothing new is handed out. */
  stop(): void;
  /** Gives up what is still being submitted, so that others may take it at once. */
  abandon(): Promise<void>;
  close(): void;
}

export interface DeviceTurnsOptions {
  readonly lists: DeviceLists;
  readonly work: QueueWork;
  readonly lockMs: number;
  /** How much earlier a device comes back than its turn is expected, ms: a sleep may end late. */
  readonly earlyMs: number;
}

/** A moment that was missed by more is not used any more: all late ones together could be more than the rate allows, ms. */
const lateMs = 15;
/** A far turn may come nearer when those before it leave the line, so it is asked about again at half of the time, ms. */
const farMs = 5_000;
/** Pause after Redis did not answer, ms. */
const troubleMs = 1_000;
const settleAgainMs = 200;

const settlementOf = (verdict: Verdict): Settlement => (verdict.kind === 'done' ? { kind: 'done' } : verdict);

export const createDeviceTurns = ({ lists, work, lockMs, earlyMs }: DeviceTurnsOptions): DeviceTurns => {
  const submitting = new Map<string, Head>();
  let stopped = false;
  let abandoned = false;

  const renewal = setInterval(() => {
    if (submitting.size > 0) void lists.renew([...submitting.values()]).catch(() => undefined);
  }, lockMs / 3);

  /** Until Redis took it: a downlink that was submitted and is not settled would be submitted again. */
  const settle = async (head: Head, settlement: Settlement): Promise<void> => {
    while (!abandoned) {
      try {
        await lists.settle(head, settlement);
        return;
      } catch {
        await wait(settleAgainMs);
      }
    }
  };

  const submit = async (head: Head): Promise<Verdict> => {
    try {
      return await work.submit({ downlink: head.downlink, attempts: head.attempts });
    } catch {
      return { kind: 'retry', afterMs: troubleMs, attempts: head.attempts };
    }
  };

  /** Waits for the head's moment. Gives how long to sleep instead, ms; `undefined`: now. */
  const pace = async (head: Head): Promise<number | undefined> => {
    for (let first = false; ; first = true) {
      const asked = performance.now();
      const { kind, ms } = await lists.permit(head, first);
      if (kind === 'gone') return 0;
      if (kind === 'busy') return Math.min(ms, troubleMs);
      if (kind === 'later') return Math.max(1, Math.min(ms - earlyMs, Math.max(farMs, ms / 2)));
      if (ms > 0) await wait(Math.ceil(ms));
      // The moment was given between asking and the answer; the earlier of both counts.
      if (performance.now() - asked - ms <= lateMs) return undefined;
    }
  };

  const handOut = async (head: Head): Promise<TurnEnd | undefined> => {
    // Redis marks what is being submitted, but a failover may lose the mark.
    if (submitting.has(head.deviceKey)) return { sleepMs: troubleMs, for: head.sequence };
    submitting.set(head.deviceKey, head);
    try {
      const verdict = stopped ? undefined : await submit(head);
      await settle(head, verdict === undefined ? { kind: 'release' } : settlementOf(verdict));
      if (verdict === undefined) return { sleepMs: 0 };
      return verdict.kind === 'done' ? undefined : { sleepMs: verdict.afterMs, for: head.sequence };
    } finally {
      submitting.delete(head.deviceKey);
    }
  };

  const turn = async (head: Head): Promise<TurnEnd | undefined> => {
    if (stopped) return { sleepMs: 0 };
    if (head.restMs > 0) return { sleepMs: head.restMs, for: head.sequence };
    const holdMs = work.holdMs(head.downlink);
    if (holdMs > 0) {
      await lists.leave(head);
      return { sleepMs: holdMs * (1 + Math.random() / 10), for: head.sequence };
    }
    const sleepMs = await pace(head);
    return sleepMs === undefined ? handOut(head) : { sleepMs, for: head.sequence };
  };

  const takeAll = async (deviceKey: string): Promise<TurnEnd> => {
    for (;;) {
      const head = await lists.head(deviceKey);
      if (head === undefined) return 'empty';
      const end = await turn(head);
      if (end !== undefined) return end;
    }
  };

  return {
    take: (deviceKey) => takeAll(deviceKey).catch(() => ({ sleepMs: troubleMs })),
    stop() { stopped = true; },
    async abandon() {
      abandoned = true;
      await Promise.allSettled([...submitting.values()].map((head) => lists.settle(head, { kind: 'release' })));
    },
    close() {
      abandoned = true;
      clearInterval(renewal);
    },
  };
};
