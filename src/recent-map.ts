/** A map that keeps about the last `size` entries used. */
export interface RecentMap<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/**
 * Two halves instead of a list in order of use: what is used moves to the younger, and when that is full the older is dropped. To ask
 * for an entry of the younger, the usual case, is one look-up and moves nothing.
 */
export const createRecentMap = <T>(size: number): RecentMap<T> => {
  let young = new Map<string, T>();
  let old = new Map<string, T>();

  const set = (key: string, value: T): void => {
    if (young.size >= size / 2 && !young.has(key)) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };

  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const older = old.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
  };
};
