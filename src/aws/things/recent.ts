/** Remembers the latest of many values. */
export interface Recent<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}

/**
 * At most `limit` values: those that were neither set nor asked for lately go first. Two generations instead of a list in order of use:
 * asking for a value of the young one, the usual case, is one look-up and moves nothing.
 */
export const createRecent = <V>(limit: number): Recent<V> => {
  let young = new Map<string, V>();
  let old = new Map<string, V>();

  const set = (key: string, value: V): void => {
    if (young.size >= limit / 2 && !young.has(key)) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };

  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const aged = old.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
    set,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
  };
};
