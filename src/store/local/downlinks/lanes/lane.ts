import { createDueHeap, type Due } from './due-heap.js';
import { createPace, type Pace } from './pace.js';

/** One connection's part of the scheduler: what is due when, a pace, and one timer. */
export interface Lane<T extends Due> {
  readonly pace: Pace;
  put(turn: T): void;
  drop(turn: T): void;
  stop(): void;
}

/** Turns looked at in one go, so that thousands of devices whose network server is away never hold up the event loop. */
const looksPerStep = 100;
/** The farthest that a timer is set. */
const longestWaitMs = 60_000;

export interface LaneOptions<T extends Due> {
  readonly ratePerSecond: () => number;
  readonly clock: () => number;
  /** Looks at a turn that is due and was taken out. It either leaves, which the pace is told, or is put again. */
  readonly look: (turn: T, lane: Lane<T>) => void;
}

export const createLane = <T extends Due>({ ratePerSecond, clock, look }: LaneOptions<T>): Lane<T> => {
  const heap = createDueHeap<T>();
  const pace = createPace(ratePerSecond);
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;
  let running = false;
  let stopped = false;

  const setTimer = (at: number): void => {
    if (stopped || at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(run, Math.min(Math.max(Math.ceil(at - clock()), 1), longestWaitMs)).unref();
  };

  const step = (): void => {
    for (let looks = 0; looks < looksPerStep && !stopped; looks += 1) {
      const turn = heap.peek();
      if (turn === undefined) return;
      const now = clock();
      const at = Math.max(turn.dueAt, now + pace.waitMs(now));
      if (at > now) {
        setTimer(at);
        return;
      }
      heap.remove(turn);
      look(turn, lane);
    }
    setTimer(clock());
  };

  const run = (): void => {
    timerAt = Infinity;
    running = true;
    step();
    running = false;
  };

  const lane: Lane<T> = {
    pace,
    put(turn) {
      heap.push(turn);
      const now = clock();
      if (!running && heap.peek() === turn) setTimer(Math.max(turn.dueAt, now + pace.waitMs(now)));
    },
    drop: (turn) => { heap.remove(turn); },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
  return lane;
};
