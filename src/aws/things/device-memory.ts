import type { Reason } from '../../errors.js';
import type { ThingMemory, ThingRecord } from '../../uplink/ports.js';

/** A state to remember; `since` and the connection are added. */
export type NewState = Pick<ThingRecord, 'deviceId' | 'thingName' | 'state'> & {
  readonly reason?: Reason | undefined;
  readonly detail?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
};

/** What a connection remembers of the things of its devices. */
export interface DeviceMemory {
  /** `unavailable`: the memory could not be read for some seconds. */
  find(deviceId: string): Promise<ThingRecord | 'unavailable' | undefined>;
  /** @param before The record that this one replaces: while the state is the same, its `since` stays. */
  put(state: NewState, before: ThingRecord | undefined): ThingRecord;
  /** Ends the waiting of `find`. */
  close(): void;
}

const attempts = 5;
const pauseMs = 1_000;

export const createDeviceMemory = (memory: ThingMemory, connectionId: string): DeviceMemory => {
  const pauses = new Map<NodeJS.Timeout, () => void>();
  let closed = false;

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        pauses.delete(timer);
        resolve();
      }, pauseMs);
      pauses.set(timer, resolve);
    });

  return {
    async find(deviceId) {
      for (let attempt = 1; !closed; attempt += 1) {
        try {
          return await memory.find(connectionId, deviceId);
        } catch {
          if (attempt === attempts) return 'unavailable';
          await pause();
        }
      }
      return 'unavailable';
    },
    put({ deviceId, thingName, state, reason, detail, attributes }, before) {
      const record: ThingRecord = {
        connectionId,
        deviceId,
        thingName,
        state,
        ...(reason === undefined ? {} : { reason }),
        ...(detail === undefined ? {} : { detail }),
        since: before?.state === state ? before.since : Date.now(),
        ...(attributes === undefined ? {} : { attributes }),
      };
      memory.put(record);
      return record;
    },
    close() {
      closed = true;
      for (const [timer, resolve] of pauses) {
        clearTimeout(timer);
        resolve();
      }
      pauses.clear();
    },
  };
};
