import type { AuditEntry, ResourceChange, ResourceSnapshot, ResourceStore, StoredResource } from '../../../api/ports.js';
import { BridgeError, messageOf } from '../../../errors.js';
import { createInTurn } from '../../../in-turn.js';
import type { Logger } from '../../../log.js';
import type { Environment } from '../environment.js';
import { decodeValue, encodeValue } from '../json-value.js';
import { hashKey } from '../keys.js';
import type { Audits } from './audits.js';
import { reading, type ResourceTables, type Writer } from './resource-tables.js';

export interface KeptResourcesParts {
  readonly environment: Environment<ResourceTables>;
  readonly writer: Writer;
  readonly audits: Audits;
  readonly logger: Logger;
  readonly now: () => number;
}

const versionKey = Buffer.from('version');

const nameOf = ({ kind, id }: Pick<StoredResource, 'kind' | 'id'>): string => JSON.stringify([kind, id]);
const keyOf = ({ kind, id }: Pick<StoredResource, 'kind' | 'id'>): Buffer => hashKey(kind, id);

const load = ({ resources, meta }: ResourceTables): ResourceSnapshot => ({
  version: Number(meta.getBinary(versionKey)?.toString('latin1') ?? 0),
  resources: [...resources.getRange({})].flatMap(({ value }) => decodeValue<StoredResource>(value) ?? []),
});

/** What a write makes of a snapshot. */
interface Plan {
  readonly snapshot: ResourceSnapshot;
  readonly puts: ReadonlyMap<string, { readonly key: Buffer; readonly value: Buffer }>;
  readonly removals: ReadonlyMap<string, Buffer>;
}

/** Later changes of one resource take the place of earlier ones. */
const planOf = (before: ResourceSnapshot, changes: readonly ResourceChange[], time: number): Plan => {
  const version = before.version + 1;
  const byName = new Map(before.resources.map((resource) => [nameOf(resource), resource]));
  const puts = new Map<string, { key: Buffer; value: Buffer }>();
  const removals = new Map<string, Buffer>();
  for (const change of changes) {
    const target = 'put' in change ? change.put : change.remove;
    const name = nameOf(target);
    const known = byName.get(name);
    puts.delete(name);
    removals.delete(name);
    if ('put' in change) {
      const { kind, id, document } = change.put;
      const value = encodeValue(time, { kind, id, revision: version, document, createdAt: known?.createdAt ?? time, updatedAt: time } satisfies StoredResource);
      puts.set(name, { key: keyOf(target), value });
      // Read back from what is written: the caller may go on changing its own document.
      const kept = decodeValue<StoredResource>(value);
      if (kept !== undefined) byName.set(name, kept);
    } else {
      removals.set(name, keyOf(target));
      byName.delete(name);
    }
  }
  return { snapshot: { version, resources: [...byName.values()] }, puts, removals };
};

/** The resources of one process: all of them are also in memory, since they are few and read all the time. */
export const createKeptResources = ({ environment, writer, audits, logger, now }: KeptResourcesParts): Omit<ResourceStore, 'close'> => {
  let snapshot = reading(environment, load);
  const inTurn = createInTurn();
  const listeners = new Set<() => void>();

  const tell = (): void => {
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        logger.error({ reason: 'internal_error', detail: messageOf(error) }, 'a change of resources was not taken up');
      }
    }
  };

  const write = async (changes: readonly ResourceChange[], version: number, entry: AuditEntry): Promise<ResourceSnapshot> => {
    if (version !== snapshot.version) throw new BridgeError('resource_changed', { detail: `the resources are at version ${snapshot.version}, not at ${version}` });
    writer.assertWritable();
    const { snapshot: next, puts, removals } = planOf(snapshot, changes, now());
    const audit = audits.plan(entry);
    await writer.commit({
      kind: 'append',
      write(tables) {
        for (const { key, value } of puts.values()) void tables.resources.put(key, value);
        for (const key of removals.values()) void tables.resources.remove(key);
        void tables.meta.put(versionKey, Buffer.from(String(next.version)));
        audit.write(tables);
      },
      done() {
        snapshot = next;
        audit.done();
      },
    });
    tell();
    return next;
  };

  return {
    read: async () => snapshot,
    write: (changes, version, entry) => inTurn('write', () => write(changes, version, entry)),
    async audit(entry) {
      writer.assertWritable();
      const { write: put, done } = audits.plan(entry);
      await writer.commit({ kind: 'append', write: put, done });
    },
    audits: async (page) => audits.list(page),
    onChange(listener) {
      // Each call has an end of its own, also when the same function listens twice.
      const own = (): void => { listener(); };
      listeners.add(own);
      return () => { listeners.delete(own); };
    },
  };
};
