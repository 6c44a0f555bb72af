let second = Number.NaN;
let upToMs = '';

/**
 * RFC 3339 in UTC with milliseconds, as `Date.toISOString`, of an epoch time in ms. Messages bear times of the same second,
 * so that all but the first of a second cost little.
 * @throws RangeError for what is no time
 */
export const isoTime = (ms: number): string => {
  const time = Math.trunc(ms);
  const whole = Math.floor(time / 1_000);
  if (whole !== second) {
    upToMs = new Date(time).toISOString().slice(0, -4);
    second = whole;
  }
  return `${upToMs}${String(time - whole * 1_000).padStart(3, '0')}Z`;
};
