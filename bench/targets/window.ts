import { endWhenAsked, say } from './process.js';

/** Before the figures begin, ms: code is compiled and files have their size. */
const warmUpMs = 1_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Says when the measured time begins and what was done in it, then waits to be ended, so that the process can be looked at. */
export const measureWindow = async (seconds: number, done: () => number): Promise<void> => {
  endWhenAsked();
  await pause(warmUpMs);
  const [before, startedAt] = [done(), performance.now()];
  say({ measuring: true });
  await pause(seconds * 1_000);
  say({ perSecond: ((done() - before) * 1_000) / (performance.now() - startedAt) });
};
