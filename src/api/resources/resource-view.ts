import { outOfDate } from '../../config/out-of-date.js';
import type { Problem } from '../../config/problem.js';
import { isoTime } from '../answers.js';
import type { JsonObject, ResourceKind } from '../ports.js';
import type { Books } from './books.js';
import { referenceProblems } from './cross-rules.js';
import { isActive, type Entry } from './entry.js';
import { kindRows } from './kinds.js';

/** A resource as the API shows it, without what is live of it. */
export interface ResourceView {
  readonly kind: ResourceKind;
  readonly id: string;
  readonly origin: 'file' | 'api';
  readonly active: boolean;
  /** The ETag without its quotes. */
  readonly revision: string;
  /** ISO 8601; absent for one of the file. */
  readonly createdAt?: string;
  readonly updatedAt?: string;
  /** As it was given, with its secrets masked. */
  readonly document: JsonObject;
  /** Why it cannot be used as it is; empty when all is well. */
  readonly problems: readonly Problem[];
}

export const viewOf = (entry: Entry, books: Books): ResourceView => {
  const { kind, id, origin, revision, shown, stored, failure } = entry;
  return {
    kind,
    id,
    origin,
    active: isActive(entry),
    revision,
    ...(stored === undefined ? {} : { createdAt: isoTime(stored.createdAt), updatedAt: isoTime(stored.updatedAt) }),
    document: shown,
    problems: [...(failure?.problems ?? []), ...outOfDate(kindRows[kind].node, shown), ...referenceProblems(kind, shown, books)],
  };
};
