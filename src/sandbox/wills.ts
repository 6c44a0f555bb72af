import type { BrokerMessage } from './message.js';

/** Wills that wait for their delay (MQTT 5 Will Delay Interval), one for each client id. */
export interface Wills {
  /** Publishes after so many seconds, unless the client comes back. */
  schedule(clientId: string, will: BrokerMessage, delaySeconds: number): void;
  cancel(clientId: string): void;
  clear(): void;
}

export const createWills = (publish: (will: BrokerMessage) => void): Wills => {
  const timers = new Map<string, NodeJS.Timeout>();
  const cancel = (clientId: string): void => {
    clearTimeout(timers.get(clientId));
    timers.delete(clientId);
  };
  return {
    schedule: (clientId, will, delaySeconds) => {
      if (delaySeconds <= 0) return publish(will);
      const fire = (): void => {
        timers.delete(clientId);
        publish(will);
      };
      timers.set(clientId, setTimeout(fire, delaySeconds * 1000).unref());
    },
    cancel,
    clear: () => {
      for (const clientId of [...timers.keys()]) cancel(clientId);
    },
  };
};
