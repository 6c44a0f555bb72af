/** Levenshtein distance with rows of the matrix. */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, char] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, against] of [...other].entries()) next.push(Math.min((row[j] ?? 0) + (char === against ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    row = next;
  }
  return row[other.length] ?? 0;
};

const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/** The known name that somebody probably meant, or undefined. Case, `-` and `_` do not count. */
export const nearestName = (name: string, known: Iterable<string>): string | undefined => {
  const ranked = [...known].map((one) => ({ one, distance: distance(plain(name).slice(0, 64), plain(one)) })).sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.one.length / 4)) ? best.one : undefined;
};

/** ` — did you mean …?`, or nothing. */
export const didYouMean = (name: string, known: Iterable<string>): string => {
  const near = nearestName(name, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
};
