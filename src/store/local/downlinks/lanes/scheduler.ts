import { headOf, type DeviceList, type WaitingEntry } from '../waiting-lists.js';
import type { Due } from './due-heap.js';
import { createLane, type Lane } from './lane.js';

/** What a look at a device's head says: wait, go, or it is not there any more. `go` submits; it resolves to the ms after which the device is due again, and never rejects. */
export type Look = { readonly holdMs: number } | { readonly go: () => Promise<number> } | 'gone';

/**
 * Decides when the head of each device leaves: at most one of a device at a time, no more than the rate of its connection, devices
 * in the order in which they became due. It knows nothing of where downlinks are kept.
 */
export interface Scheduler {
  /** To be called when the head of a device may have changed. */
  wake(list: DeviceList): void;
  headroom(connectionId: string): number;
  /** Starts nothing more; resolves when what is being submitted is settled. */
  stop(): Promise<void>;
}

export interface SchedulerOptions {
  readonly ratePerSecond: (connectionId: string) => number;
  readonly look: (head: WaitingEntry) => Look;
  /** Ms of a monotonic clock. */
  readonly clock?: () => number;
}

interface Turn extends Due {
  readonly list: DeviceList;
  readonly head: WaitingEntry;
  readonly lane: Lane<Turn>;
}

/** However short a hold is said to be, a device is not looked at more often. */
const shortestHoldMs = 10;

export const createScheduler = ({ ratePerSecond, look, clock = () => performance.now() }: SchedulerOptions): Scheduler => {
  const lanes = new Map<string, Lane<Turn>>();
  const turns = new Map<DeviceList, Turn>();
  const submitting = new Map<DeviceList, Promise<void>>();
  let orders = 0;
  let stopped = false;

  const put = (turn: Turn, dueAt: number): void => {
    turn.dueAt = dueAt;
    turn.order = orders += 1;
    turn.lane.put(turn);
  };

  const offer = (list: DeviceList, head: WaitingEntry, afterMs: number): void => {
    const turn: Turn = { list, head, lane: laneOf(head.connectionId), dueAt: 0, order: 0, index: -1 };
    turns.set(list, turn);
    put(turn, clock() + afterMs);
  };

  /** The same head comes again after its time; a new one at once. */
  const goOn = (list: DeviceList, last: WaitingEntry, afterMs: number): void => {
    submitting.delete(list);
    const head = headOf(list);
    if (head !== undefined && !stopped) offer(list, head, head === last ? afterMs : 0);
  };

  const lookAt = (turn: Turn, lane: Lane<Turn>): void => {
    const { list, head } = turn;
    const answer = headOf(list) === head ? look(head) : 'gone';
    if (answer === 'gone') {
      turns.delete(list);
      wake(list);
      return;
    }
    if ('holdMs' in answer) {
      put(turn, clock() + Math.max(answer.holdMs, shortestHoldMs));
      return;
    }
    turns.delete(list);
    lane.pace.take(clock());
    submitting.set(list, answer.go().then((afterMs) => { goOn(list, head, afterMs); }));
  };

  const laneOf = (connectionId: string): Lane<Turn> => {
    const lane = lanes.get(connectionId) ?? createLane<Turn>({ ratePerSecond: () => ratePerSecond(connectionId), clock, look: lookAt });
    lanes.set(connectionId, lane);
    return lane;
  };

  const wake = (list: DeviceList): void => {
    if (stopped || submitting.has(list)) return;
    const turn = turns.get(list);
    const head = headOf(list);
    if (turn !== undefined && turn.head === head) return;
    turn?.lane.drop(turn);
    turns.delete(list);
    if (head !== undefined) offer(list, head, 0);
  };

  return {
    wake,
    headroom: (connectionId) => lanes.get(connectionId)?.pace.headroom(clock()) ?? Math.floor(ratePerSecond(connectionId)),
    async stop() {
      stopped = true;
      for (const lane of lanes.values()) lane.stop();
      await Promise.all(submitting.values());
    },
  };
};
