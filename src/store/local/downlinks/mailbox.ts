import type { Collected, DownlinkQueue } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import type { InTurn } from '../../../in-turn.js';
import { hashKey, seqKey } from '../keys.js';
import { decodeValue, encodeValue, timeOf } from '../json-value.js';
import type { StoredAnswer } from './downlink-records.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';
import type { Notices } from './notices.js';
import type { StoredDownlinks } from './stored-downlinks.js';
import type { LocalSubmitted } from './submitted.js';
import type { WaitingEntry, WaitingLists } from './waiting-lists.js';

type Request = Parameters<DownlinkQueue['collect']>[0];

export interface MailboxParts {
  readonly environment: Environment<DownlinkTables>;
  readonly writer: Writer;
  readonly inTurn: InTurn;
  readonly lists: WaitingLists;
  readonly stored: StoredDownlinks;
  readonly submitted: LocalSubmitted;
  readonly notices: Notices;
  readonly now: () => number;
}

export interface Mailbox {
  readonly collect: DownlinkQueue['collect'];
  /** Whether the answer under a key is being written. */
  readonly isWriting: (key: Buffer) => boolean;
}

/** The answers to devices whose network collects downlinks. The requests of one device are answered one after the other. */
export const createMailbox = ({ environment, writer, inTurn, lists, stored, submitted, notices, now }: MailboxParts): Mailbox => {
  const writing = new Set<string>();
  /** Answers "none" that are on their way to the disk, with the time when they are over. */
  const none = new Map<string, number>();

  const answerOf = (key: Buffer): StoredAnswer | undefined => {
    if ((none.get(key.toString('hex')) ?? 0) > now()) return {};
    const value = reading(environment, ({ answers }) => answers.getBinary(key));
    return value !== undefined && timeOf(value) > now() ? decodeValue<StoredAnswer>(value) : undefined;
  };

  const oldestOf = (deviceId: string): WaitingEntry | undefined =>
    lists.find('mailbox', deviceId)?.entries.find(({ writing: unwritten, claimed, validUntil }) => unwritten === undefined && !claimed && validUntil > now());

  /** Waits for no disk: nothing is lost when the answer "none" is not written, since who asks again is mostly known to have asked before. */
  const answerNone = (key: Buffer, rememberMs: number): Collected => {
    const text = key.toString('hex');
    const until = now() + rememberMs;
    const forget = (): void => { none.delete(text); };
    none.set(text, until);
    writer.commit({ kind: 'upkeep', write: ({ answers }) => { void answers.put(key, encodeValue(until, {} satisfies StoredAnswer)); } }).then(forget, forget);
    return { notices: [] };
  };

  const give = async (entry: WaitingEntry, key: Buffer, rememberMs: number): Promise<Collected | undefined> => {
    writer.assertWritable();
    const downlink = stored.read(entry);
    if (downlink === undefined) {
      lists.remove([entry]);
      return undefined;
    }
    const made = notices.make({ downlink, state: 'submitted' });
    const put = submitted.planPut({ downlink, ids: [], submittedAt: now(), attempts: 1, state: 'submitted' });
    const value = encodeValue(now() + rememberMs, { downlink } satisfies StoredAnswer);
    lists.claim([entry]);
    await writer.commit({
      kind: 'append',
      write(tables) {
        void tables.waiting.remove(seqKey(entry.seq));
        void tables.answers.put(key, value);
        made.write(tables);
        put(tables);
      },
      done: () => { lists.remove([entry]); },
      failed: () => { lists.release([entry]); },
    });
    return { downlink, notices: [made.notice] };
  };

  const answer = async ({ deviceId, again, rememberMs }: Request, key: Buffer): Promise<Collected> => {
    const before = answerOf(key);
    if (before !== undefined) return before.downlink === undefined ? { notices: [] } : { downlink: before.downlink, notices: [] };
    if (again) return { notices: [] };
    for (let entry = oldestOf(deviceId); entry !== undefined; entry = oldestOf(deviceId)) {
      const given = await give(entry, key, rememberMs);
      if (given !== undefined) return given;
    }
    return answerNone(key, rememberMs);
  };

  return {
    isWriting: (key) => writing.has(key.toString('hex')) || none.has(key.toString('hex')),
    collect: (request) =>
      inTurn(request.deviceId, async () => {
        const key = hashKey(request.deviceId, request.requestId);
        const text = key.toString('hex');
        writing.add(text);
        return answer(request, key).finally(() => writing.delete(text));
      }),
  };
};
