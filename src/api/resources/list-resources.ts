import { fieldError } from '../../errors.js';
import type { Page, PageRequest, ResourceKind } from '../ports.js';
import { entriesOf, type Books } from './books.js';
import { isActive, type Entry } from './entry.js';

/** A key that is absent means any. */
export interface ResourceFilter {
  /** Part of the id or the name, in any case. */
  readonly search?: string;
  readonly active?: boolean;
  readonly connectorId?: string;
  /** Kind of a network server. */
  readonly kind?: string;
  readonly origin?: 'file' | 'api';
}

const contains = (value: unknown, part: string): boolean => typeof value === 'string' && value.toLowerCase().includes(part);

const matches = (entry: Entry, { search, active, connectorId, kind, origin }: ResourceFilter): boolean => {
  const { id, shown } = entry;
  const found = search === undefined || contains(id, search.toLowerCase()) || contains(shown['name'], search.toLowerCase());
  const fits = (wanted: unknown, value: unknown): boolean => wanted === undefined || wanted === value;
  return found && fits(active, isActive(entry)) && fits(connectorId, shown['connectorId']) && fits(kind, shown['kind']) && fits(origin, entry.origin);
};

/** Ids in one order, whatever their case; a stored one that the file hides comes after it. */
const sortKey = ({ id, origin }: Entry): string => `${id.toLowerCase()} ${id} ${origin === 'file' ? 0 : 1}`;

const cursorOf = (key: string): string => Buffer.from(key).toString('base64url');

const readCursor = (cursor: string): string => {
  const key = Buffer.from(cursor, 'base64url').toString();
  if (cursor === '' || cursorOf(key) !== cursor) throw fieldError('after', 'is not the `next` of a page');
  return key;
};

/** A page by id. The cursor is a place in the order, so a page is right also when its last entry was deleted meanwhile. */
export const listEntries = (books: Books, kind: ResourceKind, { filter, page }: { readonly filter: ResourceFilter; readonly page: PageRequest }): Page<Entry> => {
  const after = page.after === undefined ? undefined : readCursor(page.after);
  const keyed = entriesOf(books, kind).map((entry) => ({ entry, key: sortKey(entry) })).sort((one, other) => (one.key < other.key ? -1 : 1));
  const found = keyed.filter(({ entry, key }) => (after === undefined || key > after) && matches(entry, filter));
  const shown = found.slice(0, page.limit);
  const last = shown.at(-1);
  return { entries: shown.map(({ entry }) => entry), ...(found.length > page.limit && last !== undefined ? { next: cursorOf(last.key) } : {}) };
};
