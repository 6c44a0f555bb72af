import type { Logger } from '../log.js';

/** What goes on is logged when it is new, then at most once in this time with the count of those between, ms. */
const quietMs = 60_000;

/** Logs what may happen thousands of times a second so that it is seen, and does not fill the disk: by kind. */
export type RepeatLog = (kind: string, write: (logger: Logger, silent: number) => void) => void;

/** @param now Ms of a monotonic clock. */
export const createRepeatLog = (logger: Logger, now: () => number = () => performance.now()): RepeatLog => {
  const kinds = new Map<string, { loggedAt: number; silent: number }>();
  return (name, write) => {
    const kind = kinds.get(name) ?? { loggedAt: Number.NEGATIVE_INFINITY, silent: 0 };
    kinds.set(name, kind);
    if (now() - kind.loggedAt < quietMs) {
      kind.silent += 1;
      return;
    }
    write(logger, kind.silent);
    kind.loggedAt = now();
    kind.silent = 0;
  };
};
