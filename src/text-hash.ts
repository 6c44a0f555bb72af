/** Odd, with even bits: 2^32 divided by the golden ratio. */
const factor = 0x9e3779b1;

/**
 * Carries a 32-bit hash on over a text's length and its code units, for tables in memory: quick, and spreads ids that differ in their
 * last digits. Whoever knows the hash at the beginning can find texts that come to the same.
 */
export const hashText = (hash: number, text: string): number => {
  let mixed = Math.imul(hash ^ text.length, factor);
  for (let index = 0; index < text.length; index += 1) {
    mixed = Math.imul(mixed ^ text.charCodeAt(index), factor);
    mixed ^= mixed >>> 15;
  }
  return mixed;
};
