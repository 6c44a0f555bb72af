import { backoffMs, type Backoff } from '../backoff.js';

/** How persistently a connection that is down is tried again, by ThingPark X's names. */
export const reconnectStrategies = ['CALM', 'NORMAL', 'AGGRESSIVE'] as const;
export type ReconnectStrategy = (typeof reconnectStrategies)[number];

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

interface Phase {
  /** How long it lasts, ms. */
  readonly lastsMs: number;
  /** Longest pause in it, ms. */
  readonly maxMs: number;
}

/** ThingPark X IoT Flow, `reconnectStrategy`. After the last phase nothing more is tried. */
const phases: Readonly<Record<ReconnectStrategy, readonly Phase[]>> = {
  CALM: [{ lastsMs: 12 * hour, maxMs: 10 * minute }, { lastsMs: day, maxMs: hour }],
  NORMAL: [{ lastsMs: hour, maxMs: 5 * minute }, { lastsMs: day, maxMs: hour }, { lastsMs: Infinity, maxMs: day }],
  AGGRESSIVE: [{ lastsMs: 3 * hour, maxMs: 3 * minute }, { lastsMs: 7 * day, maxMs: 30 * minute }, { lastsMs: Infinity, maxMs: hour }],
};

/** With AGGRESSIVE, sessions that published nothing for so long are opened anew, ms. */
export const restartAfterMs = hour;

const phaseAt = (strategy: ReconnectStrategy, outageMs: number): Phase | undefined => {
  let start = 0;
  return phases[strategy].find(({ lastsMs }) => outageMs < (start += lastsMs));
};

export interface OutageBackoffOptions {
  /** Without a strategy its `maxMs` holds; with one it gives way to the strategy's. */
  readonly reconnect: Backoff;
  readonly strategy?: ReconnectStrategy | undefined;
  /** Milliseconds of any clock that goes forward. */
  readonly now?: (() => number) | undefined;
  readonly random?: () => number;
}

/** The pauses between attempts in an outage. */
export interface OutageBackoff {
  /** An attempt failed: how long to wait, ms. Undefined: give up. */
  failed(): number | undefined;
  /** The outage is over: the next one starts at the shortest pause. */
  recovered(): void;
}

/** Exponential from `reconnect.minMs` on, with jitter; what it grows to depends on how long the outage lasts. */
export const createOutageBackoff = ({ reconnect, strategy, now = () => performance.now(), random }: OutageBackoffOptions): OutageBackoff => {
  let failures = 0;
  let since: number | undefined;
  return {
    failed() {
      const time = now();
      since ??= time;
      const phase = strategy === undefined ? reconnect : phaseAt(strategy, time - since);
      if (phase === undefined) return undefined;
      failures += 1;
      return backoffMs({ minMs: reconnect.minMs, maxMs: phase.maxMs }, failures - 1, random);
    },
    recovered() {
      failures = 0;
      since = undefined;
    },
  };
};
