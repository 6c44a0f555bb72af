import { outOfDate } from '../../config/out-of-date.js';
import type { Problem } from '../../config/problem.js';
import { readResource } from '../../config/read-resource.js';
import type { SecretBox } from '../../config/secret-box.js';
import type { JsonObject, ResourceKind } from '../ports.js';
import type { Books } from './books.js';
import { referenceProblems } from './cross-rules.js';
import type { Entry } from './entry.js';
import { readJsonObject, withoutNulls } from './json-object.js';
import { kindRows, type ConfigOf } from './kinds.js';
import { ResourceError } from './resource-error.js';
import { maskSecrets, sealSecrets, unmaskSecrets } from './secrets.js';

/** A document that was found right. */
export interface Draft<K extends ResourceKind = ResourceKind> {
  readonly kind: K;
  readonly id: string;
  readonly config: ConfigOf[K];
  /** What is worth a look, though it is right. */
  readonly warnings: readonly Problem[];
  /** As it is to be kept. */
  readonly sealed: JsonObject;
  readonly shown: JsonObject;
}

export interface DraftOptions<K extends ResourceKind> {
  readonly kind: K;
  /** Absent: the document names it. */
  readonly id?: string;
  /** What it is to replace. */
  readonly previous?: Entry<K>;
  readonly books: Books;
  readonly box: SecretBox;
}

/**
 * What a caller sent, as a document: keys without a value are left out, and so is what only answers have, when the whole answer was
 * sent back (it has an origin and a revision). Anywhere else such a key is as unknown as any other.
 * @throws ResourceError
 */
export const readBody = (kind: ResourceKind, body: unknown): JsonObject => {
  const document = readJsonObject(body);
  if (!('origin' in document) || !('revision' in document)) return document;
  return Object.fromEntries(Object.entries(document).filter(([key]) => !kindRows[kind].shownKeys.includes(key)));
};

const idProblems = (id: string | undefined, document: JsonObject): Problem[] =>
  id === undefined || document['id'] === undefined || document['id'] === id ? [] : [{ path: 'id', message: 'must be the id in the address; make a new resource instead' }];

/** What became useless while it was kept does not stand in the way of other changes. */
const newlyOutdated = (kind: ResourceKind, document: JsonObject, previous: Entry | undefined): Problem[] => {
  const before = previous === undefined ? [] : outOfDate(kindRows[kind].node, previous.shown);
  return outOfDate(kindRows[kind].node, document).filter(({ path, message }) => !before.some((one) => one.path === path && one.message === message));
};

const onePerPath = (problems: readonly Problem[]): Problem[] => {
  const paths = new Set<string>();
  return problems.filter(({ path }) => {
    const first = !paths.has(path);
    paths.add(path);
    return first;
  });
};

/** Checks a document by its schema, by the others around it and by the time. @throws ResourceError with everything that is wrong */
export const draftOf = <K extends ResourceKind>(given: JsonObject, { kind, id, previous, books, box }: DraftOptions<K>): Draft<K> => {
  const named = withoutNulls({ ...(id === undefined ? {} : { id }), ...given }) as JsonObject;
  const ownId = typeof named['id'] === 'string' ? named['id'] : '';
  const place = { kind, id: ownId, node: kindRows[kind].node };
  const kept = previous?.stored?.document;
  const { document, problems: masked } = unmaskSecrets(box, place, named, kept);
  const reading = readResource(kind, document, { allowExpired: true });
  const invalid = reading.ok ? [] : reading.problems;
  const problems = onePerPath([...idProblems(id, named), ...masked, ...invalid, ...newlyOutdated(kind, document, previous), ...referenceProblems(kind, document, books)]);
  if (!reading.ok || problems.length > 0) throw new ResourceError(problems);
  return { kind, id: ownId, config: reading.config, warnings: reading.warnings, sealed: sealSecrets(box, place, document, kept), shown: maskSecrets(place.node, document) };
};
