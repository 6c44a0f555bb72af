import { BridgeError, fieldError, type Reason } from '../errors.js';
import type { ParkedFilter, ParkedMessages, ParkedRecord } from '../uplink/ports.js';
import { lowerHex } from './answers.js';
import { given } from '../given.js';
import { id, reasonQuery, type Schema } from './schemas.js';

/** A filter in a query or a body; a key that is absent means any. */
export interface ParkedChoice {
  readonly connection?: string;
  readonly networkServer?: string;
  readonly device?: string;
  readonly reason?: Reason;
}

export const choiceKeys: Record<string, Schema> = {
  connection: id('Only those that were meant for this connection.', 'main'),
  networkServer: id('Only those of this network server.', 'factory'),
  device: id('Only those of this device.', '70b3d5e75e00a1b2'),
  reason: reasonQuery('Only those with this reason.', 'topic_unresolved'),
};

export const filterOf = ({ connection, networkServer, device, reason: why }: ParkedChoice): ParkedFilter =>
  given({ connectionId: connection, networkServerId: networkServer, deviceId: device === undefined ? undefined : lowerHex(device), reason: why });

/** An id is a position in the outbox. */
export const seqOf = (text: string, field = 'id'): number => {
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw fieldError(field, 'must be the id of a parked message, or `next` of the page before');
  return seq;
};

export const unknownParked = (): BridgeError => new BridgeError('unknown_resource', { detail: 'no parked message has this id; it may have been replayed or deleted' });

/** Read in steps, because a payload may have 128 KB. */
const step = 25;
/** A page ends early at this many bytes of payloads. */
const mostBytes = 4_194_304;

export interface ParkedPage {
  readonly records: readonly ParkedRecord[];
  /** Position after which more may follow. */
  readonly next?: number;
}

/** Parked messages after a position, as many as are asked for or as fit into one answer. @throws BridgeError store_unavailable */
export const parkedPage = async (store: Pick<ParkedMessages, 'parked'>, filter: ParkedFilter, page: { readonly after: number; readonly limit: number }): Promise<ParkedPage> => {
  const records: ParkedRecord[] = [];
  let { after } = page;
  let bytes = 0;
  while (records.length < page.limit && bytes < mostBytes) {
    const limit = Math.min(step, page.limit - records.length);
    const found = await store.parked(filter, { after, limit });
    records.push(...found);
    bytes += found.reduce((sum, { payload }) => sum + payload.length, 0);
    after = found.at(-1)?.seq ?? after;
    if (found.length < limit) return { records };
  }
  const [more] = await store.parked(filter, { after, limit: 1 });
  return more === undefined ? { records } : { records, next: after };
};
