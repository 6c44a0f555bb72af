import type { Notice } from '../../../downlink/ports.js';
import { takeOutStep, type TakeOut } from './take-out.js';
import type { WaitingEntry, WaitingLists } from './waiting-lists.js';

/** Takes out what waits past its validity; gives the notices of it. */
export const createExpiry = (takeOut: TakeOut, lists: WaitingLists, now: () => number): (() => Promise<Notice[]>) => {
  const overdue = (): WaitingEntry[] => {
    const time = now();
    const found: WaitingEntry[] = [];
    for (const { entries } of lists.all()) {
      for (const entry of entries) {
        if (entry.validUntil <= time && entry.writing === undefined && !entry.busy && !entry.claimed) found.push(entry);
        if (found.length >= takeOutStep) return found;
      }
    }
    return found;
  };

  return async () => {
    const all: Notice[] = [];
    for (let entries = overdue(); entries.length > 0; entries = overdue()) {
      for (const notice of await takeOut(entries, { state: 'expired', cause: { code: 'expired' } })) all.push(notice);
    }
    return all;
  };
};
