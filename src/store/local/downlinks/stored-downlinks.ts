import type { Downlink } from '../../../messages/downlink.js';
import type { Logger } from '../../../log.js';
import type { Environment } from '../environment.js';
import { seqKey } from '../keys.js';
import { decodeValue } from '../json-value.js';
import type { StoredWaiting } from './downlink-records.js';
import { reading, type DownlinkTables } from './downlink-tables.js';
import type { WaitingEntry, WaitingLists } from './waiting-lists.js';

/** The downlinks behind the entries in memory. */
export interface StoredDownlinks {
  /** Undefined when what is stored is damaged: it is left where it is, and the check at the next start finds it. @throws BridgeError store_unavailable */
  read(entry: WaitingEntry): Downlink | undefined;
}

export const createStoredDownlinks = (environment: Environment<DownlinkTables>, logger: Logger): StoredDownlinks => ({
  read(entry) {
    const value = entry.writing ?? reading(environment, ({ waiting }) => waiting.getBinary(seqKey(entry.seq)));
    const stored = decodeValue<StoredWaiting>(value);
    if (stored === undefined) logger.error({ reason: 'store_corrupt', connection_id: entry.connectionId, detail: `downlink ${entry.seq}` }, 'damaged downlink skipped');
    return stored?.downlink;
  },
});

/** Fills the lists with all that waits in the store, in the order in which it was added. */
export const loadWaiting = (environment: Environment<DownlinkTables>, lists: WaitingLists): void => {
  reading(environment, ({ waiting }) => {
    for (const { key, value } of waiting.getRange({})) {
      const stored = decodeValue<StoredWaiting>(value);
      if (stored !== undefined) lists.add({ ...stored, seq: key.readUIntBE(0, key.length), writing: undefined });
    }
  });
};
