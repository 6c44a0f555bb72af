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
  readonly now?: () => number;
}

/**
 * Takes the requests of one event-loop turn, or of the few milliseconds between two while several senders post side by side, through each stage
 * together, and so into one append. Parsing and checking a document is as much code as reading HTTP: for one request after the other each pushes
 * the other out of the processor's caches, and both take longer (docs/performance.md). A sender that posts one after the other never waits.
 */
export const createTogether = ({ gatherMs, enough, now = () => performance.now() }: TogetherOptions): Together => {
  const beside = createSideBySide();
  let turn: Promise<void> | undefined;
  let goOn = (): void => undefined;
  let timer: NodeJS.Timeout | undefined;
  let waiting = 0;
  let underWay = 0;
  let begunAt = Number.NEGATIVE_INFINITY;

  const begin = (): void => {
    turn = undefined;
    waiting = 0;
    begunAt = now();
    goOn();
  };

  /** What has already arrived is read before: the event loop looks at its timers first. */
  const beginSoon = (): void => {
    clearTimeout(timer);
    timer = undefined;
    setImmediate(begin);
  };

  const waitMs = (at: number): number => (beside.is(at) ? begunAt + gatherMs - at : 0);

  const nextTurn = (at: number): Promise<void> => {
    const wait = waitMs(at);
    if (wait > 0) timer = setTimeout(beginSoon, wait);
    else setImmediate(begin);
    return new Promise((resolve) => (goOn = resolve));
  };

  return {
    enter() {
      const at = now();
      if (underWay > 0) beside.note(at);
      underWay += 1;
      turn ??= nextTurn(at);
      waiting += 1;
      if (waiting >= enough && timer !== undefined) beginSoon();
      return turn;
    },
    leave() {
      underWay -= 1;
    },
  };
};
