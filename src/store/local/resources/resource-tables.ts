import { openNamed, type Environment, type Opened, type Table } from '../environment.js';
import { readStore } from '../open-store.js';
import type { StoreWriter } from '../store-writer.js';

/**
 * `resources`: by kind and id. `audits`: by position. `events`: by position; `subjects`: by subject and position, so that the events of one are found.
 */
const names = ['resources', 'audits', 'events', 'subjects', 'meta'] as const;

export type ResourceTables = Readonly<Record<(typeof names)[number], Table>>;
export type Writer = StoreWriter<ResourceTables>;

/** Opens the environment in a folder; it must have passed the probe. */
export const openResourceTables = (path: string, readOnly = false): Opened<ResourceTables> => openNamed(path, names, { readOnly });

/** Reads from the store. @throws BridgeError store_unavailable */
export const reading = <T>(environment: Environment<ResourceTables>, read: (tables: ResourceTables) => T): T => readStore(environment, 'resource store', read);
