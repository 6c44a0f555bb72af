import { randomBytes } from 'node:crypto';
import type { Problem } from '../../config/problem.js';
import type { SecretBox } from '../../config/secret-box.js';
import { BridgeError } from '../../errors.js';
import type { Caller } from '../caller.js';
import type { JsonObject, ResourceKind, StoredResource } from '../ports.js';
import { findEntry, type Books } from './books.js';
import { refuseInUse, refuseTaken, refuseWithoutFlow } from './cross-rules.js';
import { draftOf, type Draft } from './draft.js';
import type { Entry } from './entry.js';
import { checkIfMatch } from './if-match.js';
import { changedPaths } from './json-object.js';
import { kindRows, type ConfigOf } from './kinds.js';
import { viewOf, type ResourceView } from './resource-view.js';
import { resealSecrets } from './secrets.js';
import type { Plan } from './store-writer.js';

export interface ChangeOptions {
  readonly actor: Caller;
  /** The header as it came; without it the last writer wins. */
  readonly ifMatch?: string;
  /** Everything is checked, nothing is saved. */
  readonly dryRun?: boolean;
}

export interface RemoveOptions extends ChangeOptions {
  /** What becomes of the messages that wait for a connection. */
  readonly backlog?: 'park' | 'discard';
}

/** A document that was saved, or with `dryRun` could have been. */
export interface Saved<K extends ResourceKind> {
  /** With `dryRun`: as it would be; the revision is the one that there is, or empty. */
  readonly view: ResourceView;
  readonly config: ConfigOf[K];
  /** What is worth a look, though it is right. */
  readonly warnings: readonly Problem[];
}

/** What plans are made by. */
export interface PlanContext {
  /** At the moment of the call: a plan that was made anew sees what others wrote. */
  readonly books: () => Books;
  readonly box: SecretBox;
  readonly backlog: (connectionId: string) => { readonly messages: number; readonly bytes: number };
}

/** One resource. */
export interface Target<K extends ResourceKind> {
  readonly kind: K;
  readonly id: string;
}

/** @throws BridgeError unknown_resource */
export const entryOf = <K extends ResourceKind>(books: Books, { kind, id }: Target<K>): Entry<K> => {
  const entry = findEntry(books, kind, id);
  if (entry === undefined) throw new BridgeError('unknown_resource', { detail: `${kindRows[kind].path}/${id} does not exist` });
  return entry;
};

/** @throws BridgeError unknown_resource, resource_read_only, resource_changed */
const changeable = <K extends ResourceKind>(books: Books, target: Target<K>, { ifMatch }: ChangeOptions): Entry<K> => {
  const entry = entryOf(books, target);
  if (entry.origin === 'file') throw new BridgeError('resource_read_only');
  checkIfMatch(ifMatch, entry.revision);
  return entry;
};

/** A connection of ThingPark X has no id of its own choice. */
export const withId = (kind: ResourceKind, document: JsonObject): JsonObject =>
  kind === 'connection' && (document['id'] ?? null) === null ? { ...document, id: randomBytes(6).toString('hex') } : document;

/** Without a dry run the entry stands in the books by then. */
const savedOf = <K extends ResourceKind>({ kind, id, config, shown, warnings }: Draft<K>, books: Books, dryRun: boolean): Saved<K> => {
  const entry = findEntry(books, kind, id);
  if (entry !== undefined && !dryRun) return { view: viewOf(entry, books), config, warnings };
  const stored = entry?.stored === undefined ? {} : { stored: entry.stored };
  return { view: viewOf({ kind, id, origin: 'api', revision: entry?.revision ?? '', fingerprint: '', shown, ...stored }, books), config, warnings };
};

interface SaveStep<K extends ResourceKind> {
  readonly action: string;
  readonly previous?: Entry<K>;
  readonly dryRun?: boolean | undefined;
}

const planDraft = <K extends ResourceKind>(context: PlanContext, draft: Draft<K>, { action, previous, dryRun = false }: SaveStep<K>): Plan<Saved<K>> => {
  const { kind, id, sealed } = draft;
  const changed = changedPaths(previous?.stored?.document, sealed);
  return { changes: dryRun ? [] : [{ put: { kind, id, document: sealed } }], audit: { action, kind, id, changed }, result: () => savedOf(draft, context.books(), dryRun) };
};

/** @throws ResourceError; BridgeError resource_exists, flow_required */
export const planCreate = <K extends ResourceKind>(context: PlanContext, { kind, document }: { readonly kind: K; readonly document: JsonObject }, { dryRun }: ChangeOptions): Plan<Saved<K>> => {
  const books = context.books();
  const draft = draftOf(document, { kind, books, box: context.box });
  refuseTaken(kind, draft.id, books);
  if (kind === 'connection') refuseWithoutFlow({ connections: 1, flows: 0 }, books);
  return planDraft(context, draft, { action: 'create', dryRun });
};

/** What becomes of a resource that there is. */
export interface Revision<K extends ResourceKind> {
  readonly action: 'replace' | 'merge';
  readonly next: (previous: Entry<K>) => JsonObject;
}

/** @throws ResourceError; BridgeError unknown_resource, resource_read_only, resource_changed */
export const planRevision = <K extends ResourceKind>(context: PlanContext, target: Target<K>, { action, next, ...options }: Revision<K> & ChangeOptions): Plan<Saved<K>> => {
  const books = context.books();
  const previous = changeable(books, target, options);
  const draft = draftOf(next(previous), { ...target, previous, books, box: context.box });
  return planDraft(context, draft, { action, previous, dryRun: options.dryRun });
};

/** @throws BridgeError backlog_present */
const refuseBacklog = ({ messages, bytes }: ReturnType<PlanContext['backlog']>): void => {
  if (messages > 0) throw new BridgeError('backlog_present', { detail: `${messages} messages (${bytes} bytes) wait; say backlog=park or backlog=discard` });
};

/** @throws BridgeError unknown_resource, resource_read_only, resource_changed, resource_in_use, flow_required, backlog_present */
export const planRemoval = (context: PlanContext, { kind, id }: Target<ResourceKind>, options: RemoveOptions): Plan<void> => {
  const books = context.books();
  refuseInUse(changeable(books, { kind, id }, options), books);
  if (kind === 'flow') refuseWithoutFlow({ connections: 0, flows: -1 }, books);
  if (kind === 'connection' && options.backlog === undefined) refuseBacklog(context.backlog(id));
  const changes = options.dryRun === true ? [] : [{ remove: { kind, id } }];
  const changed = options.backlog === undefined ? [] : [`backlog=${options.backlog}`];
  const removal = kind === 'connection' ? { removal: { connectionId: id, backlog: options.backlog ?? 'park' } } : {};
  return { changes, audit: { action: 'delete', kind, id, changed }, result: () => undefined, ...removal };
};

/** Seals anew what is not sealed with the current key. @throws BridgeError secrets_locked */
export const planRekey = ({ box }: PlanContext, resources: readonly StoredResource[]): Plan<number> => {
  const changes = resources.flatMap(({ kind, id, document }) => {
    const resealed = resealSecrets(box, { kind, id, node: kindRows[kind].node }, document);
    return resealed === undefined ? [] : [{ put: { kind, id, document: resealed } }];
  });
  return { changes, audit: { action: 'rekey', kind: 'secrets', id: 'all', changed: [] }, result: () => changes.length };
};
