import { openNamed, type Environment, type Opened, type Table } from '../environment.js';
import { BridgeError, messageOf } from '../../../errors.js';

/**
 * `waiting`: downlinks by position, mailboxes too. `seen`: ids, until when they are remembered. `notices`: by position.
 * `submitted`: by device and position. `answers`: what requests of mailboxes got. `devices`: where each was last heard.
 */
const names = ['waiting', 'seen', 'notices', 'submitted', 'answers', 'devices', 'meta'] as const;

export type DownlinkTables = Readonly<Record<(typeof names)[number], Table>>;

/** Opens the environment in a folder; it must have passed the probe. */
export const openDownlinkTables = (path: string, readOnly = false): Opened<DownlinkTables> => openNamed(path, names, readOnly);

/** Reads from the store. An empty answer would say that nothing is there, so a store that cannot be read is an error: BridgeError `store_unavailable`. */
export const reading = <T>(environment: Environment<DownlinkTables>, read: (tables: DownlinkTables) => T): T => {
  try {
    const tables = environment.tables();
    if (tables === undefined) throw new Error('the store is not open');
    return read(tables);
  } catch (cause) {
    throw new BridgeError('store_unavailable', { detail: `the downlink store cannot be read: ${messageOf(cause)}`, cause });
  }
};
