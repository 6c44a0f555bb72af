/** Work that waits and is done a part at a time. */
export interface Source {
  waits(): boolean;
  /** Does the next part. Never rejects. */
  run(): Promise<void>;
}

/** Does the work of several sources, never two parts at once, each source in its turn. */
export interface SingleFlight {
  /** Something waits. It begins when the present step of the event loop is over, so that what comes together is done together. */
  wake(): void;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

export const createSingleFlight = (sources: readonly Source[]): SingleFlight => {
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    await Promise.resolve();
    while (sources.some((source) => source.waits())) {
      for (const source of sources) if (source.waits()) await source.run();
    }
    running = undefined;
  };

  return {
    wake: () => void (running ??= run()),
    idle: () => running ?? Promise.resolve(),
  };
};
