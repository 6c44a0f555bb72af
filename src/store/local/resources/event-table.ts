import type { EventLog } from '../../../api/ports.js';
import type { BridgeEvent, EventSubject } from '../../../messages/bridge-event.js';
import type { Environment } from '../environment.js';
import { decodeValue, encodeValue } from '../json-value.js';
import { hashBytes, hashKey, ownedKey, ownedRange, seqAtEnd, seqKey } from '../keys.js';
import { newestFirst } from './newest-first.js';
import { reading, type ResourceTables, type Writer } from './resource-tables.js';

/** The events on disk. One call of `append` at a time. */
export interface EventTable extends Pick<EventLog, 'events'> {
  /** Writes events in this order, and removes the oldest of subjects that have too many. @throws BridgeError store_unavailable, stopping */
  append(events: readonly BridgeEvent[]): Promise<void>;
}

/** Events of a subject that are kept at least; past so many more, the oldest are removed together. */
const leastOfSubject = 200;
const slack = 50;
/** Past it the oldest events go whomever they are about: subjects that were deleted would stay for ever. */
const mostInAll = 500_000;
/** Oldest events of all that are removed in one transaction. */
const trimStep = 1_000;

const subjectKey = ({ kind, id }: EventSubject): Buffer => hashKey(kind, id);
const mark = encodeValue(0, {});

interface Removal {
  readonly owner: Buffer;
  readonly seq: number;
}

export const createEventTable = (environment: Environment<ResourceTables>, writer: Writer): EventTable => {
  const counts = new Map<string, number>();
  let total = 0;

  const count = (owner: Buffer, change: number): void => {
    const text = owner.toString('hex');
    const left = (counts.get(text) ?? 0) + change;
    total += change;
    if (left > 0) counts.set(text, left);
    else counts.delete(text);
  };
  reading(environment, ({ subjects }) => { for (const key of subjects.getKeys({})) count(key.subarray(0, hashBytes), 1); });

  /** The oldest of a subject that are too many when so many more come. */
  const excessOf = ({ subjects }: ResourceTables, owner: Buffer, more: number): Removal[] => {
    const after = (counts.get(owner.toString('hex')) ?? 0) + more;
    if (after <= leastOfSubject + slack) return [];
    const keys = subjects.getKeys({ ...ownedRange(owner), limit: after - leastOfSubject });
    return [...keys].map((key) => ({ owner, seq: seqAtEnd(key, 'owned') ?? 0 }));
  };

  const oldestOfAll = ({ events }: ResourceTables): Removal[] => {
    if (total <= mostInAll) return [];
    return [...events.getRange({ limit: trimStep })].flatMap(({ key, value }) => {
      const event = decodeValue<BridgeEvent>(value);
      return event === undefined ? [] : { owner: subjectKey(event.subject), seq: seqAtEnd(key, 'seq') ?? 0 };
    });
  };

  const append = async (events: readonly BridgeEvent[]): Promise<void> => {
    const added = events.map((event) => ({ owner: subjectKey(event.subject), seq: writer.nextSeq(), value: encodeValue(event.time, event) }));
    let removals: readonly Removal[] = [];
    await writer.commit({
      kind: 'upkeep',
      prepare(tables) {
        const more = new Map<string, { owner: Buffer; count: number }>();
        for (const { owner } of added) {
          const text = owner.toString('hex');
          more.set(text, { owner, count: (more.get(text)?.count ?? 0) + 1 });
        }
        const excess = [...more.values()].flatMap((one) => excessOf(tables, one.owner, one.count));
        removals = [...new Map([...excess, ...oldestOfAll(tables)].map((removal) => [removal.seq, removal])).values()];
        return true;
      },
      write(tables) {
        for (const { owner, seq, value } of added) {
          void tables.events.put(seqKey(seq), value);
          void tables.subjects.put(ownedKey(owner, seq), mark);
        }
        for (const { owner, seq } of removals) {
          void tables.events.remove(seqKey(seq));
          void tables.subjects.remove(ownedKey(owner, seq));
        }
      },
      done() {
        for (const { owner } of added) count(owner, 1);
        for (const { owner } of removals) count(owner, -1);
      },
    });
  };

  return {
    append,
    events: async (subject, page) =>
      reading(environment, (tables) => {
        const withId = (seq: number, value: Buffer | undefined): (BridgeEvent & { readonly id: string }) | undefined => {
          const event = decodeValue<BridgeEvent>(value);
          return event === undefined ? undefined : { ...event, id: String(seq) };
        };
        if (subject === undefined) return newestFirst(tables.events, page, withId);
        return newestFirst(tables.subjects, page, (seq) => withId(seq, tables.events.getBinary(seqKey(seq))), subjectKey(subject));
      }),
  };
};
