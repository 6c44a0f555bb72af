const betweenMs = 5;

/** Waits for what nothing announces: asks again every 5 ms until it is so. @throws after `boundMs` */
export const until = async (what: string, isSo: () => boolean | Promise<boolean>, boundMs = 20_000): Promise<void> => {
  const end = performance.now() + boundMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited ${boundMs / 1_000} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
};
