import type { SecretBox } from '../../config/secret-box.js';
import type { ResourceKind, ResourceSnapshot } from '../ports.js';
import type { Declared } from './declared.js';
import { declaredEntry, storedEntry, type Entry } from './entry.js';

/** All resources at one moment, those of the file first. */
export interface Books {
  /** Of the store. */
  readonly version: number;
  readonly entries: readonly Entry[];
}

/** The entries of a kind. */
export const entriesOf = <K extends ResourceKind>(books: Books, kind: K): Entry<K>[] => books.entries.filter((entry): entry is Entry<K> => entry.kind === kind);

/** The one with exactly this id; one of the file hides a stored one of the same name. */
export const findEntry = <K extends ResourceKind>(books: Books, kind: K, id: string): Entry<K> | undefined => entriesOf(books, kind).find((entry) => entry.id === id);

const sameId = (one: Entry, other: Entry): boolean => one.kind === other.kind && one.id.toLowerCase() === other.id.toLowerCase();

const declaredEntries = ({ networkServers, connections, flows }: Declared): Entry[] => [
  ...networkServers.map((one) => declaredEntry('network-server', one)),
  ...connections.map((one) => declaredEntry('connection', one)),
  ...flows.map((one) => declaredEntry('flow', one)),
];

/** A stored resource whose id the file took since: it is kept for the day that the file gives it back. */
const hiddenBy = (declared: readonly Entry[], entry: Entry): Entry => {
  if (!declared.some((one) => sameId(one, entry))) return entry;
  const { config: _config, ...rest } = entry;
  return { ...rest, failure: { reason: 'resource_exists', problems: [{ path: 'id', message: 'is taken by a resource of the configuration file' }] } };
};

/** Makes the books of one process: what did not change since the last time is not read again. */
export const createBookkeeping = (declared: Declared, box: SecretBox): { readonly empty: Books; next(before: Books, snapshot: ResourceSnapshot): Books } => {
  const fromFile = declaredEntries(declared);
  return {
    empty: { version: 0, entries: fromFile },
    next(before, { version, resources }) {
      const known = new Map(before.entries.flatMap((entry) => (entry.stored === undefined ? [] : [[`${entry.kind}/${entry.id}`, entry] as const])));
      const read = resources.map((stored) => {
        const same = known.get(`${stored.kind}/${stored.id}`);
        return same?.stored?.revision === stored.revision && same.stored.createdAt === stored.createdAt ? same : hiddenBy(fromFile, storedEntry(stored, box));
      });
      return { version, entries: [...fromFile, ...read] };
    },
  };
};
