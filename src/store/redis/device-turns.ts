import { setTimeout as wait } from 'node:timers/promises';
import type { Moment, QueueWork, Verdict } from '../../downlink/ports.js';
import type { DeviceLists, Head, Settlement } from './device-lists.js';
import { createMoments } from './moments.js';

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

/** Pause after Redis did not answer, ms. */
const troubleMs = 1_000;
const settleAgainMs = 200;

const settlementOf = (verdict: Verdict): Settlement => (verdict.kind === 'done' ? { kind: 'done' } : verdict);

export const createDeviceTurns = ({ lists, work, lockMs, earlyMs }: DeviceTurnsOptions): DeviceTurns => {
  const moments = createMoments(lists, earlyMs);
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

  const submit = async (head: Head, moment: Moment): Promise<Verdict> => {
    try {
      return await work.submit({ downlink: head.downlink, attempts: head.attempts }, moment);
    } catch {
      return { kind: 'retry', afterMs: troubleMs, attempts: head.attempts };
    }
  };

  const handOut = async (head: Head, moment: Moment): Promise<TurnEnd | undefined> => {
    // Redis marks what is being submitted, but a failover may lose the mark.
    if (submitting.has(head.deviceKey)) return { sleepMs: troubleMs, for: head.sequence };
    submitting.set(head.deviceKey, head);
    try {
      const verdict = stopped ? undefined : await submit(head, moment);
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
    const moment = await moments.take(head);
    return 'leaveBy' in moment ? handOut(head, moment).finally(moment.left) : { sleepMs: moment.sleepMs, for: head.sequence };
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
