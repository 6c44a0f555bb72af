import { SlotMap } from '../slot-map.js';
import type { OutboxRecord } from './ports.js';

/**
 * The part of the backlog that is in memory, a lane for each device. At most one record of a lane is out (in flight); lanes with
 * work and nothing out stand in a queue. A lane holds few records: the positions of further ones are only noted, and read when
 * the lane drains, so one busy device neither fills the memory nor stops the others.
 */
export interface LaneLimits {
  /** Records in memory over all lanes. */
  readonly records: number;
  readonly bytes: number;
  readonly recordsPerLane: number;
  /** Noted positions over all lanes; 8 bytes each. */
  readonly noted: number;
}

/** Of each limit, what the backlog may take. */
const backlogShare = 0.8;

export const defaultLaneLimits: LaneLimits = { records: 8_192, bytes: 32 * 1024 * 1024, recordsPerLane: 32, noted: 250_000 };

interface Lane {
  readonly deviceId: string;
  loaded: OutboxRecord[];
  /** Index of the first record of `loaded` that is not settled. */
  head: number;
  noted: number[];
  out: boolean;
  /** Noted positions are being read: what comes now stands behind them. */
  reading: boolean;
}

export interface Lanes {
  /** Takes the next record of its device, in order. False: no room. The backlog leaves a fifth of the room to live messages. */
  add(record: OutboxRecord, from?: 'backlog' | 'live'): boolean;
  /** The oldest record of the next ready lane, without taking it. */
  peek(): OutboxRecord | undefined;
  /** Marks the peeked record as out. */
  take(): void;
  /** Puts a record of an idle device straight out, past the queue. */
  occupy(record: OutboxRecord): void;
  /** The record that is out is finished: the lane goes on with its next. */
  done(record: OutboxRecord): void;
  /** The record that was out goes out again, before the others of its device. */
  again(record: OutboxRecord): void;
  /** Puts the peeked record's lane aside until it is fetched again: its records leave the memory, their positions stay noted. */
  shelve(): void;
  /** Ends `shelve` for a device. */
  fetch(deviceId: string): void;
  /** Ends `shelve` for all devices. */
  fetchAll(): void;
  /** Whether the device has anything pending here. */
  has(deviceId: string): boolean;
  /** Positions to read for lanes that have drained, of at most `limit` records. */
  wanted(limit: number): number[];
  /** Notes the positions of the last `wanted` again: they could not be read. `wanted`, then this or `refill`, one pair at a time. */
  unread(): void;
  /** Puts records that were read by position into their lanes. */
  refill(records: readonly OutboxRecord[], asked: readonly number[]): void;
  /** Forgets everything. */
  clear(): void;
  readonly ready: number;
  readonly loaded: number;
  /** No room for more of the backlog. */
  readonly full: boolean;
}

export const createLanes = (limits: LaneLimits = defaultLaneLimits): Lanes => {
  const lanes = new SlotMap<string, Lane>();
  const hungry = new Set<Lane>();
  const shelved = new Set<Lane>();
  let asking: { readonly lane: Lane; readonly asked: readonly number[] }[] = [];
  let ready: Lane[] = [];
  let readyHead = 0;
  let loaded = 0;
  let bytes = 0;
  let noted = 0;

  const push = (lane: Lane): void => {
    ready.push(lane);
  };
  const front = (): Lane | undefined => ready[readyHead];
  /** Takes the front off. What is left behind the head would keep its lanes in memory, so an empty queue begins anew. */
  const pass = (): void => {
    readyHead += 1;
    if (readyHead < ready.length && (readyHead <= 1024 || readyHead * 2 <= ready.length)) return;
    ready = ready.slice(readyHead);
    readyHead = 0;
  };
  const isFull = (share: number): boolean => loaded >= limits.records * share || bytes >= limits.bytes * share || noted >= limits.noted * share;

  const load = (lane: Lane, record: OutboxRecord): void => {
    lane.loaded.push(record);
    loaded += 1;
    bytes += record.payload.length;
    if (!lane.out && lane.loaded.length - lane.head === 1) push(lane);
  };

  const unload = (lane: Lane, record: OutboxRecord): void => {
    lane.head += 1;
    loaded -= 1;
    bytes -= record.payload.length;
    if (lane.head * 2 > lane.loaded.length) {
      lane.loaded = lane.loaded.slice(lane.head);
      lane.head = 0;
    }
  };

  const settleLane = (lane: Lane): void => {
    if (shelved.has(lane)) return;
    if (lane.head < lane.loaded.length) return push(lane);
    if (lane.noted.length > 0) hungry.add(lane);
    else lanes.delete(lane.deviceId);
  };

  const fetchLane = (lane: Lane): void => {
    if (!shelved.delete(lane)) return;
    lane.out = false;
    settleLane(lane);
  };

  const laneOf = (deviceId: string): Lane => {
    const known = lanes.get(deviceId);
    if (known !== undefined) return known;
    const lane: Lane = { deviceId, loaded: [], head: 0, noted: [], out: false, reading: false };
    lanes.set(deviceId, lane);
    return lane;
  };

  return {
    add(record, from = 'backlog') {
      if (isFull(from === 'live' ? 1 : backlogShare)) return false;
      const lane = laneOf(record.deviceId);
      if (lane.reading || lane.noted.length > 0 || lane.loaded.length - lane.head >= limits.recordsPerLane) {
        lane.noted.push(record.seq);
        noted += 1;
      } else load(lane, record);
      return true;
    },
    peek() {
      const lane = front();
      return lane?.loaded[lane.head];
    },
    take() {
      const lane = front();
      if (lane === undefined) return;
      pass();
      lane.out = true;
    },
    occupy(record) {
      const lane = laneOf(record.deviceId);
      lane.out = true;
      load(lane, record);
    },
    done(record) {
      const lane = lanes.get(record.deviceId);
      if (lane === undefined || !lane.out) return;
      lane.out = false;
      unload(lane, record);
      settleLane(lane);
    },
    again(record) {
      const lane = lanes.get(record.deviceId);
      if (lane === undefined || !lane.out) return;
      lane.out = false;
      push(lane);
    },
    shelve() {
      const lane = front();
      if (lane === undefined) return;
      pass();
      const aside = lane.loaded.slice(lane.head);
      lane.noted.unshift(...aside.map(({ seq }) => seq));
      noted += aside.length;
      loaded -= aside.length;
      for (const { payload } of aside) bytes -= payload.length;
      lane.loaded = [];
      lane.head = 0;
      lane.out = true;
      shelved.add(lane);
    },
    fetch(deviceId) {
      const lane = lanes.get(deviceId);
      if (lane !== undefined) fetchLane(lane);
    },
    fetchAll() {
      for (const lane of shelved) fetchLane(lane);
    },
    has: (deviceId) => lanes.has(deviceId),
    wanted(limit) {
      const seqs: number[] = [];
      asking = [];
      for (const lane of hungry) {
        if (seqs.length >= limit || loaded + seqs.length >= limits.records) break;
        hungry.delete(lane);
        const asked = lane.noted.splice(0, limits.recordsPerLane);
        noted -= asked.length;
        seqs.push(...asked);
        lane.reading = true;
        asking.push({ lane, asked });
      }
      return seqs;
    },
    unread() {
      for (const { lane, asked } of asking) {
        lane.reading = false;
        lane.noted.unshift(...asked);
        noted += asked.length;
        hungry.add(lane);
      }
      asking = [];
    },
    refill(records, asked) {
      for (const { lane } of asking) lane.reading = false;
      asking = [];
      const devices = new Set<string>();
      for (const record of records) {
        devices.add(record.deviceId);
        load(laneOf(record.deviceId), record);
      }
      if (records.length === asked.length) return;
      for (const lane of lanes.values()) if (!lane.out && !devices.has(lane.deviceId) && lane.head >= lane.loaded.length) settleLane(lane);
    },
    clear() {
      lanes.clear();
      hungry.clear();
      shelved.clear();
      asking = [];
      ready = [];
      readyHead = 0;
      loaded = 0;
      bytes = 0;
      noted = 0;
    },
    get ready() {
      return ready.length - readyHead;
    },
    get loaded() {
      return loaded;
    },
    get full() {
      return isFull(backlogShare);
    },
  };
};
