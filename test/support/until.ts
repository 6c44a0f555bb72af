/** Ms until it is asked again, after so many ms of waiting: often at first, seldom later, since each question is work for the program that is asked. */
export const pauseAfter = (waitedMs: number): number => Math.min(Math.max(waitedMs / 5, 5), 100);

/** Waits for what nothing announces: asks again until it is so. @throws after `boundMs` */
export const until = async (what: string, isSo: () => boolean | Promise<boolean>, boundMs = 20_000): Promise<void> => {
  const begun = performance.now();
  while (!(await isSo())) {
    const waited = performance.now() - begun;
    if (waited > boundMs) throw new Error(`waited ${boundMs / 1_000} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseAfter(waited)));
  }
};
