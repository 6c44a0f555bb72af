/** What is to be done later, unless all of it is called off before. */
export interface Pauses {
  /** @param ms How long until `run` is called. */
  later(ms: number, run: () => void): NodeJS.Timeout;
  /** Calls off everything that is still to be done. */
  end(): void;
}

export const createPauses = (): Pauses => {
  const timers = new Set<NodeJS.Timeout>();
  return {
    later(ms, run) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        run();
      }, ms);
      timers.add(timer);
      return timer;
    },
    end() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
