import type { BridgeEvent } from '../../../messages/bridge-event.js';

/** Holds back what comes too often: of events with the same subject, text and reason so many a second, and one more that counts the rest. */
export interface EventStorms {
  admits(event: BridgeEvent): boolean;
  /** What was left out in seconds that are over; with `all`, also in those that are not. */
  ended(all?: boolean): BridgeEvent[];
  /** Whether `ended` may still have something to tell. */
  pending(): boolean;
}

interface Second {
  readonly since: number;
  admitted: number;
  leftOut: number;
  last: BridgeEvent;
}

const mostInSecond = 5;
const secondMs = 1_000;
/** Different events watched at the same time; of more, all seconds end early. */
const mostWatched = 10_000;

const keyOf = ({ subject, text, reason }: BridgeEvent): string => JSON.stringify([subject.kind, subject.id, text, reason]);

const summaryOf = ({ last, leftOut }: Second): BridgeEvent => {
  const { subject, time, level, text, reason } = last;
  return { subject, time, level, text, ...(reason === undefined ? {} : { reason }), detail: `${leftOut} more like this within a second were left out` };
};

/** @param clock Ms of a monotonic clock. */
export const createEventStorms = (clock: () => number = () => performance.now()): EventStorms => {
  const seconds = new Map<string, Second>();
  const over: BridgeEvent[] = [];

  const end = (key: string, second: Second): void => {
    seconds.delete(key);
    if (second.leftOut > 0) over.push(summaryOf(second));
  };

  const endAll = (isOver: (second: Second) => boolean): void => {
    for (const [key, second] of seconds) if (isOver(second)) end(key, second);
  };

  return {
    admits(event) {
      const key = keyOf(event);
      const now = clock();
      let second = seconds.get(key);
      if (second !== undefined && now - second.since >= secondMs) {
        end(key, second);
        second = undefined;
      }
      if (second === undefined) {
        if (seconds.size >= mostWatched) endAll(() => true);
        seconds.set(key, { since: now, admitted: 1, leftOut: 0, last: event });
        return true;
      }
      second.last = event;
      if (second.admitted >= mostInSecond) second.leftOut += 1;
      else second.admitted += 1;
      return second.leftOut === 0;
    },
    ended(all = false) {
      const now = clock();
      endAll(({ since }) => all || now - since >= secondMs);
      return over.splice(0);
    },
    pending: () => seconds.size > 0 || over.length > 0,
  };
};
