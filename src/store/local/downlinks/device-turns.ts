/** Lets the tasks of one key run one after the other, in the order asked; those of other keys run beside them. */
export interface KeyedTurns {
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

export const createKeyedTurns = (): KeyedTurns => {
  const last = new Map<string, Promise<unknown>>();
  return {
    run(key, task) {
      const before = last.get(key) ?? Promise.resolve();
      const result = before.then(task);
      const ended = result.catch(() => undefined).then(() => {
        if (last.get(key) === ended) last.delete(key);
      });
      last.set(key, ended);
      return result;
    },
  };
};
