const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const byteUnits: Readonly<Record<string, number>> = {
  B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40,
};

const inUnits = (text: string, units: Readonly<Record<string, number>>): number | undefined => {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor);
};

const unitPattern = (units: Readonly<Record<string, number>>): string => `^\\d{1,15}(\\.\\d{1,6})? ?(${Object.keys(units).join('|')})$`;

/** What durations and sizes look like, as regular expressions. */
export const durationPattern = unitPattern(durationUnits);
export const bytesPattern = `^\\d{1,15}$|${unitPattern(byteUnits)}`;

/** `500ms`, `10s`, `5m`, `2h`, `1d` in ms. The unit must be written, because a bare number is read as seconds by some and as ms by others. */
export const parseDuration = (text: string): number | undefined => inUnits(text, durationUnits);

/** `2GB` (10^9), `2GiB` (2^30), or a number of bytes. */
export const parseBytes = (value: string | number): number | undefined => {
  const text = String(value);
  return /^\d{1,15}$/.test(text) ? Number(text) : inUnits(text, byteUnits);
};

/** Writes ms back in the largest unit that holds them without a remainder. */
export const durationText = (ms: number): string => {
  const [unit, factor] = Object.entries(durationUnits).findLast(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
};

/** Writes bytes back in the largest unit that holds them without a remainder. */
export const bytesText = (bytes: number): string => {
  const fitting = Object.entries(byteUnits).filter(([, size]) => bytes >= size && bytes % size === 0);
  const [unit, factor] = fitting.reduce((best, next) => (next[1] > best[1] ? next : best), ['B', 1]);
  return `${bytes / factor}${unit}`;
};
