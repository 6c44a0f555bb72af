import type { DownlinkQueue, Notice } from '../../../downlink/ports.js';
import type { StoredDownlinks } from './stored-downlinks.js';
import { takeOutStep, type TakeOut } from './take-out.js';
import type { WaitingEntry, WaitingLists } from './waiting-lists.js';

const deliveries = ['submit', 'mailbox'] as const;

/** What waits for one device: telling it, and clearing it. */
export const createDeviceQueue = (takeOut: TakeOut, lists: WaitingLists, stored: StoredDownlinks): Pick<DownlinkQueue, 'waiting' | 'clear'> => {
  const entriesOf = (deviceId: string): WaitingEntry[] =>
    deliveries.flatMap((delivery) => lists.find(delivery, deviceId)?.entries ?? []).sort((one, other) => one.seq - other.seq);

  return {
    waiting: async (deviceId) =>
      entriesOf(deviceId)
        .filter(({ writing, claimed }) => writing === undefined && !claimed)
        .flatMap((entry) => {
          const downlink = stored.read(entry);
          return downlink === undefined ? [] : { downlink, attempts: entry.attempts };
        }),
    async clear(deviceId) {
      const all: Notice[] = [];
      let left = entriesOf(deviceId);
      while (left.length > 0) {
        const step = left.filter(({ busy, claimed, gone }) => !busy && !claimed && !gone).slice(0, takeOutStep);
        const last = step.at(-1)?.seq ?? Infinity;
        left = left.filter(({ seq }) => seq > last);
        if (step.length > 0) all.push(...(await takeOut(step, { state: 'failed', cause: { code: 'downlink_deleted' } })));
      }
      return all;
    },
  };
};
