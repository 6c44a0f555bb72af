/** Ms until it is asked again, after so many ms of waiting: often at first, seldom later, since each question is work for the program that is asked. */
const pauseAfter = (waitedMs: number): number => Math.min(Math.max(waitedMs / 5, 5), 100);

/** Waits for what nothing announces: asks again until it is so. Resolves to false when it was not so in time. */
export const comesTrue = async (isSo: () => boolean | Promise<boolean>, boundMs: number): Promise<boolean> => {
  const begun = performance.now();
  while (!(await isSo())) {
    const waited = performance.now() - begun;
    if (waited > boundMs) return false;
    await new Promise((resolve) => setTimeout(resolve, pauseAfter(waited)));
  }
  return true;
};

/** Waits as `comesTrue`. @throws after `boundMs` */
export const until = async (what: string, isSo: () => boolean | Promise<boolean>, boundMs = 20_000): Promise<void> => {
  if (!(await comesTrue(isSo, boundMs))) throw new Error(`waited ${boundMs / 1_000} s for: ${what}`);
};
