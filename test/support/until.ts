const boundMs = 20_000;
const betweenMs = 5;

/** Waits for what nothing announces: asks again every 5 ms until it is so. @throws after 20 s */
export const until = async (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + boundMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited 20 s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
};
