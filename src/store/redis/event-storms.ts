import type { BridgeEvent } from '../../messages/bridge-event.js';

/** Leaves out repeats of the same event, so that one that comes thousands of times does not push all others out of the log. */
export interface EventStorms {
  /** Whether the event is one too many. */
  isTooMany(event: BridgeEvent): boolean;
  /** Tells how many were left out until now. */
  tell(): void;
  close(): void;
}

export interface EventStormsOptions {
  /** Takes the event that tells how many were left out. */
  readonly told: (event: BridgeEvent) => void;
  readonly now: () => number;
}

/** So many of the same event are kept in one window. */
const keptInWindow = 20;
const windowMs = 5_000;
/** Most different events that are told apart in one window. */
const mostDifferent = 5_000;

interface Storm {
  readonly first: BridgeEvent;
  count: number;
}

/** The same: of one subject, with the same text and reason, whichever device it is about. */
const keyOf = ({ subject, text, reason }: BridgeEvent): string => `${subject.kind} ${subject.id} ${reason ?? ''} ${text}`;

export const createEventStorms = ({ told, now }: EventStormsOptions): EventStorms => {
  const storms = new Map<string, Storm>();
  let timer: NodeJS.Timeout | undefined;

  const tell = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const { first, count } of storms.values()) {
      if (count <= keptInWindow) continue;
      const { subject, level, text, reason } = first;
      told({ subject, time: now(), level, text, ...(reason === undefined ? {} : { reason }), detail: `${count - keptInWindow} more of them were left out` });
    }
    storms.clear();
  };

  return {
    isTooMany(event) {
      if (storms.size >= mostDifferent) tell();
      timer ??= setTimeout(tell, windowMs).unref();
      const key = keyOf(event);
      const storm = storms.get(key) ?? { first: event, count: 0 };
      storms.set(key, storm);
      storm.count += 1;
      return storm.count > keptInWindow;
    },
    tell,
    close: () => clearTimeout(timer),
  };
};
