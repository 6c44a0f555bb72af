import type { AuditEntry, Page, PageRequest } from '../../../api/ports.js';
import type { Environment } from '../environment.js';
import { decodeValue, encodeValue } from '../json-value.js';
import { seqKey } from '../keys.js';
import { newestFirst } from './newest-first.js';
import { reading, type ResourceTables, type Writer } from './resource-tables.js';

/** An audit entry that is to be written in somebody's transaction. */
export interface NewAudit {
  readonly write: (tables: ResourceTables) => void;
  /** To be called when the transaction is durable. */
  readonly done: () => void;
}

export interface Audits {
  plan(entry: AuditEntry): NewAudit;
  list(page: PageRequest): Page<AuditEntry>;
}

/** Entries that are kept at least; past so many more, the oldest are removed together. */
const leastKept = 10_000;
const slack = 500;

export const createAudits = (environment: Environment<ResourceTables>, writer: Writer): Audits => {
  let count = reading(environment, ({ audits }) => audits.getKeysCount({}));
  let trimming = false;

  const trim = (): void => {
    if (trimming || count < leastKept + slack) return;
    trimming = true;
    let oldest: Buffer[] = [];
    writer
      .commit({
        kind: 'upkeep',
        prepare: ({ audits }) => (oldest = [...audits.getKeys({ limit: count - leastKept })]).length > 0,
        write: ({ audits }) => { for (const key of oldest) void audits.remove(key); },
        done: () => { count -= oldest.length; },
      })
      // What could not be removed goes with the next entry.
      .catch(() => undefined)
      .finally(() => { trimming = false; });
  };

  return {
    plan(entry) {
      const key = seqKey(writer.nextSeq());
      const value = encodeValue(entry.time, entry);
      return {
        write: ({ audits }) => { void audits.put(key, value); },
        done() {
          count += 1;
          trim();
        },
      };
    },
    list: (page) => reading(environment, ({ audits }) => newestFirst(audits, page, (_, value) => decodeValue<AuditEntry>(value))),
  };
};
