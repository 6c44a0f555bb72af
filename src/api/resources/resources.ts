import type { SecretBox } from '../../config/secret-box.js';
import { BridgeError, messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Caller } from '../caller.js';
import type { Page, PageRequest, ResourceKind, ResourceSnapshot, ResourceStore } from '../ports.js';
import { createBookkeeping } from './books.js';
import { entryOf, planCreate, planRekey, planRemoval, planRevision, withId, type ChangeOptions, type PlanContext, type RemoveOptions, type Saved } from './change-plans.js';
import type { Declared } from './declared.js';
import { readBody } from './draft.js';
import { effectiveOf, type Effective, type FailedResource, type Removal } from './effective.js';
import { mergePatch, readJsonObject } from './json-object.js';
import { listEntries, type ResourceFilter } from './list-resources.js';
import { viewOf, type ResourceView } from './resource-view.js';
import { createStoreWriter } from './store-writer.js';

export interface ResourcesOptions {
  readonly store: ResourceStore;
  readonly box: SecretBox;
  readonly declared: Declared;
  /** What waits for a connection. */
  readonly backlog: (connectionId: string) => { readonly messages: number; readonly bytes: number };
  readonly logger: Logger;
}

export type EffectiveListener = (effective: Effective, removal?: Removal) => void;

/** The connections, network servers and flows of the file and of the API. Reads are answered from memory. */
export interface Resources {
  /** Those of the file alone until the first `refresh` has ended. */
  effective(): Effective;
  /** Called after every change, also one of another replica. Returns what ends the calls. */
  onChange(listener: EffectiveListener): () => void;
  /** Reads the store. @throws BridgeError store_unavailable, redis_unavailable */
  refresh(): Promise<void>;
  /** @throws BridgeError invalid_field when `after` is no cursor */
  list(kind: ResourceKind, query: { readonly filter: ResourceFilter; readonly page: PageRequest }): Page<ResourceView>;
  /** @throws BridgeError unknown_resource */
  get(kind: ResourceKind, id: string): ResourceView;
  /**
   * The three ways to save a document. `merge` takes a JSON Merge Patch (RFC 7396), and the result is checked as a whole.
   * @throws ResourceError (invalid_resource) with everything that is wrong; BridgeError unknown_resource, resource_exists, resource_read_only, resource_changed, flow_required, store_unavailable, redis_unavailable
   */
  create<K extends ResourceKind>(kind: K, document: unknown, options: ChangeOptions): Promise<Saved<K>>;
  replace<K extends ResourceKind>(kind: K, id: string, document: unknown, options: ChangeOptions): Promise<Saved<K>>;
  merge<K extends ResourceKind>(kind: K, id: string, patch: unknown, options: ChangeOptions): Promise<Saved<K>>;
  /** @throws BridgeError unknown_resource, resource_read_only, resource_changed, resource_in_use, flow_required, backlog_present, store_unavailable, redis_unavailable */
  remove(kind: ResourceKind, id: string, options: RemoveOptions): Promise<void>;
  /** Seals all secrets with the current key; resolves with how many resources changed. @throws BridgeError secrets_locked, and then nothing changed */
  rekey(actor: Caller): Promise<number>;
  /** Ends following the store, which stays open. */
  close(): void;
}

/** Tells each stored resource that cannot be used, once for each reason. */
const logFailed = (logger: Logger, before: readonly FailedResource[], now: readonly FailedResource[]): void => {
  const nameOf = ({ kind, id, reason }: FailedResource): string => `${kind}/${id}/${reason}`;
  const known = new Set(before.map(nameOf));
  for (const one of now.filter((failed) => !known.has(nameOf(failed)))) {
    logger.error({ resource: `${one.kind}/${one.id}`, reason: one.reason, detail: one.problems.map(({ path, message }) => `${path}: ${message}`).join('; ') }, 'a stored resource cannot be used');
  }
};

/** What is in force, and who is told when it changes. */
const createInForce = ({ box, declared, logger }: ResourcesOptions) => {
  const bookkeeping = createBookkeeping(declared, box);
  const listeners = new Set<EffectiveListener>();
  let books = bookkeeping.empty;
  let effective = effectiveOf(books);

  const tell = (listener: EffectiveListener, removal: Removal | undefined): void => {
    try {
      listener(effective, removal);
    } catch (error) {
      // The change is saved: whoever asked for it must not be told otherwise.
      logger.error({ detail: messageOf(error) }, 'a change of the resources could not be followed');
    }
  };

  return {
    books: () => books,
    effective: () => effective,
    listeners,
    adopt: (snapshot: ResourceSnapshot, removal?: Removal): void => {
      if (snapshot.version === books.version) return;
      const { failed } = effective;
      books = bookkeeping.next(books, snapshot);
      effective = effectiveOf(books);
      logFailed(logger, failed, effective.failed);
      for (const listener of listeners) tell(listener, removal);
    },
  };
};

export const createResources = (options: ResourcesOptions): Resources => {
  const { store, box, backlog, logger } = options;
  const { books, effective, listeners, adopt } = createInForce(options);
  const writer = createStoreWriter({ store, adopt });
  const context: PlanContext = { books, box, backlog };
  const refresh = (): Promise<void> => writer.refresh();
  const stopFollowing = store.onChange(() => {
    refresh().catch((error: unknown) => logger.warn({ detail: messageOf(error), ...(error instanceof BridgeError ? { reason: error.reason } : {}) }, 'changed resources could not be read'));
  });

  return {
    effective,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refresh,
    list(kind, query) {
      const { entries, ...rest } = listEntries(books(), kind, query);
      return { ...rest, entries: entries.map((entry) => viewOf(entry, books())) };
    },
    get: (kind, id) => viewOf(entryOf(books(), { kind, id }), books()),
    async create(kind, body, change) {
      const document = withId(kind, readBody(kind, body));
      return writer.write(() => planCreate(context, { kind, document }, change), change.actor);
    },
    async replace(kind, id, body, change) {
      const document = readBody(kind, body);
      return writer.write(() => planRevision(context, { kind, id }, { ...change, action: 'replace', next: () => document }), change.actor);
    },
    async merge(kind, id, body, change) {
      const patch = readBody(kind, body);
      return writer.write(() => planRevision(context, { kind, id }, { ...change, action: 'merge', next: ({ shown }) => readJsonObject(mergePatch(shown, patch)) }), change.actor);
    },
    remove: (kind, id, change) => writer.write(() => planRemoval(context, { kind, id }, change), change.actor),
    rekey: (actor) => writer.write(({ resources }) => planRekey(context, resources), actor),
    close: stopFollowing,
  };
};
