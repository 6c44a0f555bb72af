import { createDeferred, type Deferred } from '../deferred.js';
import { createSideBySide } from '../side-by-side.js';

/** Lets requests go on in turns. */
export interface Together {
  /** Resolves when the request may go on, in one event-loop turn with all others that came until then. */
  enter(): Promise<void>;
  /** To be called when a request that entered was answered. */
  leave(): void;
}

export interface TogetherOptions {
  /** From one turn to the next while several senders post at the same time, ms. */
  readonly gatherMs: number;
  /** So many requests do not wait for more. */
  readonly enough: number;
  /** More than these go on in another turn, so that they are read while what the first ones brought is being written. */
  readonly most: number;
  readonly now?: () => number;
}

interface Group {
  readonly turn: Deferred<void>;
  size: number;
}

/**
 * Takes the requests of one event-loop turn, or of the few milliseconds between two while several senders post side by side, through each stage
 * together, and so into one append. Parsing and checking a document is as much code as reading HTTP: for one request after the other each pushes
 * the other out of the processor's caches, and both take longer (docs/performance.md). A sender that posts one after the other never waits.
 */
export const createTogether = ({ gatherMs, enough, most, now = () => performance.now() }: TogetherOptions): Together => {
  const beside = createSideBySide();
  /** Those that wait, in the groups that will go on together. */
  const groups: Group[] = [];
  let timer: NodeJS.Timeout | undefined;
  let underWay = 0;
  let begunAt = Number.NEGATIVE_INFINITY;

  const begin = (): void => {
    begunAt = now();
    groups.shift()?.turn.resolve();
    if (groups.length > 0) setImmediate(begin);
  };

  /** What has already arrived is read before: the event loop looks at its timers first. */
  const beginSoon = (): void => {
    clearTimeout(timer);
    timer = undefined;
    setImmediate(begin);
  };

  const waitMs = (at: number): number => (beside.is(at) ? begunAt + gatherMs - at : 0);

  const schedule = (at: number): void => {
    const wait = waitMs(at);
    if (wait > 0) timer = setTimeout(beginSoon, wait);
    else setImmediate(begin);
  };

  const openGroup = (at: number): Group => {
    const group: Group = { turn: createDeferred(), size: 0 };
    if (groups.push(group) === 1) schedule(at);
    return group;
  };

  return {
    enter() {
      const at = now();
      if (underWay > 0) beside.note(at);
      underWay += 1;
      const last = groups.at(-1);
      const group = last === undefined || last.size >= most ? openGroup(at) : last;
      group.size += 1;
      if (group.size >= enough && timer !== undefined) beginSoon();
      return group.turn.promise;
    },
    leave() {
      underWay -= 1;
    },
  };
};
