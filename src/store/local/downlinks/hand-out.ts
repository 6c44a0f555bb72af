import type { QueueWork, Verdict } from '../../../downlink/ports.js';
import { messageOf } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { Downlink } from '../../../messages/downlink.js';
import { seqKey } from '../keys.js';
import { encodeValue } from '../json-value.js';
import type { StoredWaiting } from './downlink-records.js';
import type { Look } from './lanes/scheduler.js';
import type { StoredDownlinks } from './stored-downlinks.js';
import type { WaitingEntry, WaitingLists } from './waiting-lists.js';
import type { Writer } from './downlink-tables.js';

export interface HandOutParts {
  readonly work: QueueWork;
  readonly writer: Writer;
  readonly lists: WaitingLists;
  readonly stored: StoredDownlinks;
  readonly logger: Logger;
}

/** How long a device waits when the store cannot be read, or when the work broke its promise. */
const troubleMs = 1_000;

/**
 * Joins the scheduler with the work: hands the head out, and makes its verdict durable before the device goes on. A downlink that is done must
 * be gone from the disk before the next of its device leaves, else a kill in between would send the older one after the newer.
 */
export const createHandOut = ({ work, writer, lists, stored, logger }: HandOutParts): ((head: WaitingEntry) => Look) => {
  const takeOut = (entry: WaitingEntry): Promise<void> =>
    writer.commit({
      kind: 'settle',
      write: ({ waiting }) => { void waiting.remove(seqKey(entry.seq)); },
      done: () => { lists.remove([entry]); },
    });

  const keepAttempts = async (entry: WaitingEntry, downlink: Downlink, attempts: number): Promise<void> => {
    if (attempts === entry.attempts) return;
    entry.attempts = attempts;
    const { delivery } = entry.list;
    const value = encodeValue(entry.receivedAt, { downlink, delivery, attempts } satisfies StoredWaiting);
    await writer.commit({ kind: 'append', write: ({ waiting }) => { void waiting.put(seqKey(entry.seq), value); } });
  };

  const submit = async (entry: WaitingEntry, downlink: Downlink): Promise<Verdict> => {
    try {
      return await work.submit({ downlink, attempts: entry.attempts });
    } catch (error) {
      logger.error({ reason: 'internal_error', connection_id: entry.connectionId, detail: messageOf(error) }, 'submit failed without a verdict');
      return { kind: 'retry', afterMs: troubleMs, attempts: entry.attempts };
    }
  };

  /** What cannot be written is logged by the writer; the downlink then comes again after a restart, or with the attempts that memory holds. */
  const settle = (entry: WaitingEntry, downlink: Downlink, verdict: Verdict): Promise<void> =>
    (verdict.kind === 'done' ? takeOut(entry) : keepAttempts(entry, downlink, verdict.attempts)).catch(() => undefined);

  const go = async (entry: WaitingEntry, downlink: Downlink): Promise<number> => {
    entry.busy = true;
    const verdict = await submit(entry, downlink);
    await settle(entry, downlink, verdict);
    entry.busy = false;
    return verdict.kind === 'done' ? 0 : verdict.afterMs;
  };

  return (head) => {
    try {
      const downlink = stored.read(head);
      if (downlink === undefined) {
        lists.remove([head]);
        return 'gone';
      }
      const holdMs = work.holdMs(downlink);
      return holdMs > 0 ? { holdMs } : { go: () => go(head, downlink) };
    } catch {
      return { holdMs: troubleMs };
    }
  };
};
