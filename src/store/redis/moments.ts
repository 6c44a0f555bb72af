import { setTimeout as wait } from 'node:timers/promises';
import type { Moment } from '../../downlink/ports.js';
import type { DeviceLists, Head, Permit } from './device-lists.js';
import { createRoom } from './room.js';

/** Gets heads their moments of the rate, as fast as this process sends what has had its own. */
export interface Moments {
  /** Waits for the head's moment, or says for how long to sleep instead, ms. @throws BridgeError store_unavailable */
  take(head: Head): Promise<Moment | { readonly sleepMs: number }>;
}

/** Heads that ask, or whose moment came and that did not leave yet. With more a process that is slower than the rate would miss the moments of most. */
const mostAtOnce = 64;
/** How long a head waits for others to leave before it gives its place in the process to another device, ms. */
const fullMs = 150;
/** One whose moment is farther off does not count meanwhile, ms. */
const nearMs = 20;
/** A moment that was missed by more is not used, ms. */
const missedMs = 15;
/** So many of the last answers tell how long the way to Redis is. */
const answersKept = 8;
/** A far turn may come nearer when those before it leave the line, so it is asked about again at half of the time, ms. */
const farMs = 5_000;
/** Longest sleep while another process submits for the device, ms. */
const busyMs = 1_000;

/** Tells for each answer how long one takes at least at the moment, ms: what it took beyond that held it up, and a long way to Redis holds up nothing. */
const createLeastWay = (): ((tookMs: number) => number) => {
  const last: number[] = [];
  return (tookMs) => {
    last.push(tookMs);
    if (last.length > answersKept) last.shift();
    return Math.min(...last);
  };
};

/** @param earlyMs How much earlier a device comes back than its turn is expected: a sleep may end late. */
export const createMoments = (lists: Pick<DeviceLists, 'permit'>, earlyMs: number): Moments => {
  const room = createRoom(mostAtOnce);
  const leastWay = createLeastWay();

  const sleepOf = ({ kind, ms }: Permit): number => {
    if (kind === 'busy') return Math.min(ms, busyMs);
    return kind === 'later' ? Math.max(1, Math.min(ms - earlyMs, Math.max(farMs, ms / 2))) : 0;
  };

  const untilMoment = async (ms: number): Promise<void> => {
    if (ms <= 0) return;
    if (ms > nearMs) room.leave();
    await wait(Math.ceil(ms));
    if (ms > nearMs) room.push();
  };

  /** Still inside when it has a moment, and when the question fails. `undefined`: it was missed. */
  const ask = async (head: Head, first: boolean): Promise<{ readonly leaveBy: number } | { readonly sleepMs: number } | undefined> => {
    const asked = performance.now();
    const permit = await lists.permit(head, first);
    const wayMs = leastWay(performance.now() - asked);
    if (permit.kind !== 'go') return { sleepMs: sleepOf(permit) };
    await untilMoment(permit.ms);
    // The moment was given between asking and the answer. The earlier of both counts, but for the way, which is as long for those before and after.
    const moment = asked + wayMs + permit.ms;
    return performance.now() - moment <= missedMs ? { leaveBy: moment + permit.lateMs } : undefined;
  };

  const leaving = (): (() => void) => {
    let inside = true;
    return () => {
      if (inside) room.leave();
      inside = false;
    };
  };

  return {
    /** A moment that was missed is not used any more: all late ones together could be more than the rate allows. */
    async take(head) {
      for (let first = false; ; first = true) {
        if (!(await room.enter(fullMs))) return { sleepMs: fullMs * (1 + Math.random()) };
        const left = leaving();
        try {
          const answer = await ask(head, first);
          if (answer !== undefined && 'leaveBy' in answer) return { leaveBy: answer.leaveBy, left };
          left();
          if (answer !== undefined) return answer;
        } catch (error) {
          left();
          throw error;
        }
      }
    },
  };
};
