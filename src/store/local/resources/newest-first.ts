import type { Page, PageRequest } from '../../../api/ports.js';
import { fieldError } from '../../../errors.js';
import type { Table } from '../environment.js';
import { maxSeq, seqAtEnd, seqKey } from '../keys.js';

/** An entry with its position, which is also the cursor behind it. */
interface Placed<T> {
  readonly seq: number;
  readonly entry: T;
}

/** The position below which a page begins. @throws BridgeError invalid_field */
const belowOf = ({ after }: PageRequest): number => {
  if (after === undefined) return maxSeq;
  if (!/^\d{1,15}$/.test(after)) throw fieldError('after', 'it is not where a page of this list ended');
  return Math.min(Number(after), maxSeq);
};

const pageOf = <T>(found: readonly Placed<T>[], limit: number): Page<T> => {
  const entries = found.slice(0, limit).map(({ entry }) => entry);
  const last = found.length > limit ? found[limit - 1] : undefined;
  return last === undefined ? { entries } : { entries, next: String(last.seq) };
};

/**
 * A page of what lies in a table by position, newest first.
 * @param prefix What stands in front of the position in the keys of one owner.
 */
export const newestFirst = <T>(table: Table, request: PageRequest, read: (seq: number, value: Buffer) => T | undefined, prefix: Buffer = Buffer.alloc(0)): Page<T> => {
  const below = belowOf(request);
  const found: Placed<T>[] = [];
  if (below === 0 || request.limit <= 0) return { entries: [] };
  const range = { start: Buffer.concat([prefix, seqKey(below - 1)]), end: prefix.length === 0 ? Buffer.alloc(1) : prefix, reverse: true };
  for (const { key, value } of table.getRange(range)) {
    const seq = seqAtEnd(key, prefix.length === 0 ? 'seq' : 'owned');
    const entry = seq === undefined ? undefined : read(seq, value);
    if (seq !== undefined && entry !== undefined) found.push({ seq, entry });
    // One more than asked tells whether there is a next page.
    if (found.length > request.limit) break;
  }
  return pageOf(found, request.limit);
};
