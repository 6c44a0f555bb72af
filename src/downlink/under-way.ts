/** How long a report waits for a submission of its device, ms: ids of ChirpStack are known only with the answer, and `submitted` comes before `sent`. */
export const submissionLimitMs = 2_000;

/** Which devices a submission is under way for, shared by who submits and who matches reports. */
export interface UnderWay {
  /** Call the answer when the submission is over and its status is stored. */
  begin(deviceId: string): () => void;
  /** Resolves when nothing is under way for the device, at the latest after `limitMs`. */
  over(deviceId: string, limitMs: number): Promise<void>;
}

interface Lane {
  count: number;
  readonly waiting: Set<() => void>;
}

export const createUnderWay = (): UnderWay => {
  const lanes = new Map<string, Lane>();

  const end = (deviceId: string, lane: Lane): void => {
    lane.count -= 1;
    if (lane.count > 0) return;
    if (lanes.get(deviceId) === lane) lanes.delete(deviceId);
    for (const resolve of lane.waiting) resolve();
  };

  return {
    begin(deviceId) {
      const lane = lanes.get(deviceId) ?? { count: 0, waiting: new Set() };
      lane.count += 1;
      lanes.set(deviceId, lane);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        end(deviceId, lane);
      };
    },
    async over(deviceId, limitMs) {
      const lane = lanes.get(deviceId);
      if (lane === undefined) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          lane.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, limitMs);
        lane.waiting.add(done);
      });
    },
  };
};
