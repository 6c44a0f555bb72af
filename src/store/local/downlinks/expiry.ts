import type { Notice } from '../../../downlink/ports.js';
import { seqKey } from './downlink-keys.js';
import type { Notices } from './notices.js';
import type { StoredDownlinks } from './stored-downlinks.js';
import type { DeviceList, WaitingEntry, WaitingLists } from './waiting-lists.js';
import type { Writer } from './writer.js';

export interface ExpiryParts {
  readonly writer: Writer;
  readonly lists: WaitingLists;
  readonly stored: StoredDownlinks;
  readonly notices: Notices;
  readonly wake: (list: DeviceList) => void;
  readonly now: () => number;
}

/** Downlinks taken out in one transaction: a few milliseconds of the event loop. */
const stepSize = 500;

/** Takes out what waits past its validity; gives the notices of it. */
export const createExpiry = ({ writer, lists, stored, notices, wake, now }: ExpiryParts): (() => Promise<Notice[]>) => {
  const overdue = (): WaitingEntry[] => {
    const time = now();
    const found: WaitingEntry[] = [];
    for (const { entries } of lists.all()) {
      for (const entry of entries) {
        if (entry.validUntil <= time && entry.writing === undefined && !entry.busy && !entry.claimed) found.push(entry);
        if (found.length >= stepSize) return found;
      }
    }
    return found;
  };

  const takeOut = async (entries: readonly WaitingEntry[]): Promise<Notice[]> => {
    const made = entries.flatMap((entry) => {
      const downlink = stored.read(entry);
      return downlink === undefined ? [] : notices.make({ downlink, state: 'expired', cause: { code: 'expired' } });
    });
    const wakeAll = (): void => { for (const { list } of entries) wake(list); };
    lists.claim(entries);
    await writer.commit({
      kind: 'append',
      write(tables) {
        for (const { seq } of entries) void tables.waiting.remove(seqKey(seq));
        for (const { write } of made) write(tables);
      },
      done() {
        lists.remove(entries);
        wakeAll();
      },
      failed() {
        lists.release(entries);
        wakeAll();
      },
    });
    return made.map(({ notice }) => notice);
  };

  return async () => {
    const all: Notice[] = [];
    for (let entries = overdue(); entries.length > 0; entries = overdue()) {
      for (const notice of await takeOut(entries)) all.push(notice);
    }
    return all;
  };
};
