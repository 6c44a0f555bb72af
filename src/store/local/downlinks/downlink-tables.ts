import { openNamed, type Environment, type Opened, type Table } from '../environment.js';
import { readStore } from '../open-store.js';
import type { StoreWriter } from '../store-writer.js';

/**
 * `waiting`: downlinks by position, mailboxes too. `seen`: ids, until when they are remembered. `notices`: by position.
 * `submitted`: by device and position. `answers`: what requests of mailboxes got. `devices`: where each was last heard; `activity`: its latest
 * message. `lives`: what became of downlinks, by id. `things`: by device and connection.
 */
const names = ['waiting', 'seen', 'notices', 'submitted', 'answers', 'devices', 'meta', 'activity', 'lives', 'things'] as const;
/** Those that a store of version 0.1 does not have yet. */
const added: readonly string[] = ['activity', 'lives', 'things'];

export type DownlinkTables = Readonly<Record<(typeof names)[number], Table>>;
export type Writer = StoreWriter<DownlinkTables>;

/** Opens the environment in a folder; it must have passed the probe. */
export const openDownlinkTables = (path: string, readOnly = false): Opened<DownlinkTables> => openNamed(path, names, { readOnly, added });

/** Reads from the store. @throws BridgeError store_unavailable */
export const reading = <T>(environment: Environment<DownlinkTables>, read: (tables: DownlinkTables) => T): T => readStore(environment, 'downlink store', read);
