import type { AddOptions, AddResult } from '../../../downlink/ports.js';
import { BridgeError } from '../../../errors.js';
import type { Downlink } from '../../../messages/downlink.js';
import { seqKey } from '../keys.js';
import { encodeValue } from '../json-value.js';
import type { StoredWaiting } from './downlink-records.js';
import type { NewNotice, Notices } from './notices.js';
import type { SeenDownlinks } from './seen-downlinks.js';
import type { StoredDownlinks } from './stored-downlinks.js';
import type { DeviceList, WaitingEntry, WaitingLists } from './waiting-lists.js';
import type { Writer } from './downlink-tables.js';

export interface IntakeParts {
  readonly writer: Writer;
  readonly lists: WaitingLists;
  readonly seen: SeenDownlinks;
  readonly stored: StoredDownlinks;
  readonly notices: Notices;
  readonly wake: (list: DeviceList) => void;
}

const duplicate: AddResult = { state: 'duplicate', notices: [] };

/**
 * Adding. Everything is decided and claimed in the turn of the call, in the order of the calls, so that adds that share a transaction see each other:
 * a duplicate of one that is being written shares its fate, and a flush replaces what was added a moment before.
 */
export const createIntake = ({ writer, lists, seen, stored, notices, wake }: IntakeParts): ((downlink: Downlink, options: AddOptions) => Promise<AddResult>) => {
  const replacedBy = ({ flush, deviceId }: Downlink, { delivery }: AddOptions): WaitingEntry[] =>
    flush ? (lists.find(delivery, deviceId)?.entries ?? []).filter(({ busy, claimed }) => !busy && !claimed) : [];

  const assertRoom = ({ connectionId }: Downlink, { capacity }: AddOptions, replaced: readonly WaitingEntry[]): void => {
    const freed = replaced.filter((entry) => entry.connectionId === connectionId).length;
    if (lists.count(connectionId) - freed + 1 > capacity) throw new BridgeError('downlink_queue_full', { detail: `${capacity} downlinks wait for the connection` });
  };

  const noticesOf = (replaced: readonly WaitingEntry[]): NewNotice[] =>
    replaced.flatMap((entry) => {
      const downlink = stored.read(entry);
      return downlink === undefined ? [] : notices.make({ downlink, state: 'failed', cause: { code: 'downlink_replaced' } });
    });

  const store = (downlink: Downlink, options: AddOptions, seenKey: Buffer): { readonly written: Promise<void>; readonly made: readonly NewNotice[] } => {
    const replaced = replacedBy(downlink, options);
    assertRoom(downlink, options, replaced);
    const made = noticesOf(replaced);
    const { delivery, windowMs } = options;
    const seq = writer.nextSeq();
    const value = encodeValue(downlink.receivedAt, { downlink, delivery, attempts: 0 } satisfies StoredWaiting);
    const seenValue = seen.valueFor(windowMs);
    lists.claim(replaced);
    const entry = lists.add({ seq, delivery, downlink, attempts: 0, writing: value });
    const written = writer.commit({
      kind: 'append',
      write(tables) {
        for (const { seq: old } of replaced) void tables.waiting.remove(seqKey(old));
        for (const { write } of made) write(tables);
        void tables.waiting.put(seqKey(seq), value);
        void tables.seen.put(seenKey, seenValue);
      },
      done() {
        entry.writing = undefined;
        lists.remove(replaced);
        wake(entry.list);
      },
      failed() {
        lists.remove([entry]);
        lists.release(replaced);
        wake(entry.list);
      },
    });
    return { written, made };
  };

  return async (downlink, options) => {
    const seenKey = seen.keyOf(downlink.id);
    const text = seenKey.toString('hex');
    const first = seen.writing.get(text);
    if (first !== undefined) await first;
    if (first !== undefined || seen.has(seenKey)) return duplicate;
    writer.assertWritable();
    const { written, made } = store(downlink, options, seenKey);
    seen.writing.set(text, written);
    await written.finally(() => seen.writing.delete(text));
    return { state: 'stored', notices: made.map(({ notice }) => notice) };
  };
};
