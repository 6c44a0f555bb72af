import { invalidRequest } from './api-error.js';
import type { Numbered } from './cloud.js';
import type { ApiRequest } from './operation.js';
import { readNumber } from './read-member.js';

/** How one family of operations names its paging members: AWS has two. */
export interface PagingNames {
  readonly size: 'maxResults' | 'pageSize';
  readonly from: 'nextToken' | 'marker';
  readonly next: 'nextToken' | 'nextMarker';
}

export const tokenPaging: PagingNames = { size: 'maxResults', from: 'nextToken', next: 'nextToken' };
export const markerPaging: PagingNames = { size: 'pageSize', from: 'marker', next: 'nextMarker' };

export interface Page<T> {
  readonly items: readonly T[];
  /** The member that leads to the next page, when there is one. */
  readonly more: Readonly<Record<string, string>>;
}

/** AWS picks a size where the caller names none. */
const defaultSize = 50;
const largestSize = 250;

const encodeToken = (sequence: number): string => Buffer.from(`after:${sequence}`).toString('base64url');

const decodeToken = (token: string): number => {
  const sequence = /^after:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (sequence === undefined) throw invalidRequest('The paging token is not valid.');
  return Number(sequence);
};

/**
 * One page of what passes the filter. A token remembers the last one seen and not a place, so that nothing is left out when
 * others are deleted between two pages.
 * @throws ApiError InvalidRequestException
 */
export const pageOf = <T extends Numbered>(request: ApiRequest, names: PagingNames, items: Iterable<T>): Page<T> => {
  const size = readNumber(request, names.size, { least: 1, most: largestSize }) ?? defaultSize;
  const token = request.query.get(names.from);
  const after = token === null ? -1 : decodeToken(token);
  const found: T[] = [];
  for (const item of items) {
    if (item.sequence <= after) continue;
    const last = found.at(-1);
    if (found.length === size && last !== undefined) return { items: found, more: { [names.next]: encodeToken(last.sequence) } };
    found.push(item);
  }
  return { items: found, more: {} };
};
