import type { Notice } from '../../../downlink/ports.js';
import { seqKey } from '../keys.js';
import type { StoredNotice } from './downlink-records.js';
import type { Notices } from './notices.js';
import type { StoredDownlinks } from './stored-downlinks.js';
import type { DeviceList, WaitingEntry, WaitingLists } from './waiting-lists.js';
import type { Writer } from './downlink-tables.js';

export interface TakeOutParts {
  readonly writer: Writer;
  readonly lists: WaitingLists;
  readonly stored: StoredDownlinks;
  readonly notices: Notices;
  readonly wake: (list: DeviceList) => void;
}

/** Takes waiting downlinks out of the queue, each with a notice of this state, in one transaction. Nobody else may have claimed them. */
export type TakeOut = (entries: readonly WaitingEntry[], end: Omit<StoredNotice, 'downlink'>) => Promise<Notice[]>;

/** Downlinks to take out in one transaction: a few milliseconds of the event loop. */
export const takeOutStep = 500;

export const createTakeOut = ({ writer, lists, stored, notices, wake }: TakeOutParts): TakeOut => async (entries, end) => {
  const made = entries.flatMap((entry) => {
    const downlink = stored.read(entry);
    return downlink === undefined ? [] : notices.make({ downlink, ...end });
  });
  const wakeAll = (): void => { for (const list of new Set(entries.map((entry) => entry.list))) wake(list); };
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
