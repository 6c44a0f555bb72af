/** Epoch ms at which `performance.now()` was 0, as far as is known. */
let origin = performance.timeOrigin;

/**
 * Epoch time, µs, by the wall clock that other processes of this machine see. Node tells that clock in whole ms only, and the
 * finer monotonic one drifts away from it; so the monotonic one is put right wherever the whole ms show that it is wrong.
 */
export const nowMicros = (): number => {
  const before = performance.now();
  const wholeMs = Date.now();
  const after = performance.now();
  if (origin + after < wholeMs) origin = wholeMs - after;
  else if (origin + before >= wholeMs + 1) origin = wholeMs + 1 - before;
  return Math.floor((origin + after) * 1_000);
};
