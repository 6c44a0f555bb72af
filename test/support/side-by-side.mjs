// Runs test files side by side: as many as keep the processors busy, since most wait for others more than they compute.
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** So many run at once whatever the processors do, and so many at most. */
const least = 4;
const most = 8;
/** Another one begins when this share of the processors had nothing to do for a second. */
const idleShare = 0.2;
const lookMs = 1_000;

const times = () => {
  const all = cpus().map(({ times }) => times);
  const idle = all.reduce((sum, time) => sum + time.idle, 0);
  return { idle, all: all.reduce((sum, time) => sum + Object.values(time).reduce((one, other) => one + other, 0), 0) };
};

/** Says, when asked about once a second, whether the processors had time since it was asked before. */
const createIdleness = () => {
  let before = times();
  return () => {
    const now = times();
    const share = (now.idle - before.idle) / Math.max(1, now.all - before.all);
    before = now;
    return share >= idleShare;
  };
};

/**
 * Runs each in turn; one that wants to be alone begins when no other is left, and none begins beside it.
 * @template T
 * @param {readonly T[]} items
 * @param {{ run: (item: T) => Promise<void>, isAlone: (item: T) => boolean, isOver: () => boolean }} how `isOver`: no further one begins
 * @returns {Promise<number>} how many did not begin
 */
export const runSideBySide = async (items, { run, isAlone, isOver }) => {
  const waiting = [...items];
  const running = new Set();
  const hasTime = createIdleness();
  let oneAlone = false;

  const mayBegin = (looked) => {
    if (oneAlone) return false;
    if (isAlone(waiting[0])) return running.size === 0;
    return running.size < least || (looked && running.size < most);
  };

  const begin = (item) => {
    oneAlone = isAlone(item);
    const work = run(item).finally(() => {
      running.delete(work);
      oneAlone = false;
    });
    running.add(work);
  };

  while (waiting.length > 0 && !isOver()) {
    let looked = false;
    if (!mayBegin(looked)) {
      const late = Symbol('late');
      const stop = new AbortController();
      const first = await Promise.race([...running, pause(lookMs, late, { signal: stop.signal }).catch(() => undefined)]);
      stop.abort();
      looked = first === late && hasTime();
    }
    if (!isOver() && mayBegin(looked)) begin(waiting.shift());
  }
  await Promise.all(running);
  return waiting.length;
};
