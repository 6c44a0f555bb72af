import type { Environment } from '../environment.js';
import { encodeValue, timeOf } from '../json-value.js';
import { hashKey } from '../keys.js';
import { reading, type DownlinkTables } from './downlink-tables.js';

/** The ids of downlinks that were added lately. */
export interface SeenDownlinks {
  keyOf(id: string): Buffer;
  /** @throws BridgeError store_unavailable */
  has(key: Buffer): boolean;
  /** What is stored for an id that is remembered for so long from now. */
  valueFor(windowMs: number): Buffer;
  /** Ids of adds under way, by the key in hex, with the promise of the add. */
  readonly writing: Map<string, Promise<void>>;
}

export const createSeenDownlinks = (environment: Environment<DownlinkTables>, now: () => number): SeenDownlinks => ({
  keyOf: (id) => hashKey(id),
  has(key) {
    const value = reading(environment, ({ seen }) => seen.getBinary(key));
    return value !== undefined && timeOf(value) > now();
  },
  valueFor: (windowMs) => encodeValue(now() + windowMs, {}),
  writing: new Map(),
});
