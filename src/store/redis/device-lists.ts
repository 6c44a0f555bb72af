import { messageOf } from '../../errors.js';
import type { Downlink } from '../../messages/downlink.js';
import type { RedisLink } from './redis-link.js';
import { aloneLateMs, togetherLateMs } from './lateness.js';
import { headScript, leaveScript, permitScript, renewScript, settleScript } from './turn-scripts.js';

/** A device's oldest waiting downlink. */
export interface Head {
  readonly deviceKey: string;
  /** Sequence number: the same downlink may be added again after its window. */
  readonly sequence: string;
  readonly downlink: Downlink;
  readonly attempts: number;
  /** Ms until its next attempt may be. */
  readonly restMs: number;
}

/** `go`: ms until its moment, after which it may leave for `lateMs` more; `later` and `busy`: ms until it is worth asking again; `gone`: it is not the head any more. */
export interface Permit {
  readonly kind: 'go' | 'later' | 'busy' | 'gone';
  readonly ms: number;
  readonly lateMs: number;
}

export interface Settlement {
  readonly kind: 'done' | 'retry' | 'release';
  readonly attempts?: number;
  readonly afterMs?: number;
}

/** The devices' lists as the one who hands out sees them. Everything throws BridgeError store_unavailable. */
export interface DeviceLists {
  head(deviceKey: string): Promise<Head | undefined>;
  permit(head: Head, first: boolean): Promise<Permit>;
  leave(head: Head): Promise<void>;
  settle(head: Head, settlement: Settlement): Promise<void>;
  renew(heads: readonly Head[]): Promise<void>;
}

export interface DeviceListsOptions {
  readonly link: RedisLink;
  /** Names this process among all that hand out. */
  readonly token: string;
  readonly ratePerSecond: (connectionId: string) => number;
  /** How long a submit is marked without being renewed, ms. */
  readonly lockMs: number;
  /** Longest wait within the process, ms. */
  readonly patienceMs: number;
}

/**
 * Part of the rate that is used. 100 distances of 1000/94 ms are 1064 ms: the rest of the second is for leaving late, and for the way to the network server.
 */
const usedPart = 0.94;

/** A rate of nothing would never end in Redis's arithmetic: one in 100 s. */
const slowest = 0.01;

const readBody = (text: string): Downlink => {
  try {
    return JSON.parse(text) as Downlink;
  } catch (error) {
    throw new Error(`a stored downlink cannot be read: ${messageOf(error)}`);
  }
};

export const createDeviceLists = ({ link, token, ratePerSecond, lockMs, patienceMs }: DeviceListsOptions): DeviceLists => ({
  async head(deviceKey) {
    const found = (await link.call(headScript, deviceKey)) as [] | [string, string, string, number];
    if (found.length === 0) return undefined;
    const [sequence, body, attempts, restMs] = found;
    return { deviceKey, sequence, downlink: readBody(body), attempts: Number(attempts), restMs };
  },
  async permit({ deviceKey, sequence, downlink: { connectionId, networkServer } }, first) {
    const spacingMs = 1_000 / (Math.max(ratePerSecond(connectionId), slowest) * usedPart);
    const args = [deviceKey, sequence, token, connectionId, networkServer.id, spacingMs, lockMs, patienceMs, first ? 1 : 0];
    const [kind, amount, alone] = (await link.call(permitScript, ...args)) as [Permit['kind'], number, number?];
    return { kind, ms: kind === 'go' ? amount / 1_000 : amount, lateMs: alone === 1 ? aloneLateMs : togetherLateMs };
  },
  async leave({ deviceKey, downlink: { connectionId, networkServer } }) {
    await link.call(leaveScript, deviceKey, connectionId, networkServer.id);
  },
  async settle({ deviceKey, sequence }, { kind, attempts = 0, afterMs = 0 }) {
    await link.call(settleScript, deviceKey, sequence, token, kind, attempts, afterMs);
  },
  async renew(heads) {
    await link.call(renewScript, lockMs, ...heads.flatMap(({ deviceKey, sequence }) => [deviceKey, `${sequence}|${token}`]));
  },
});
