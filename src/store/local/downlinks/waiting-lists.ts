import type { Delivery, QueueTotals } from '../../../downlink/ports.js';
import type { Downlink } from '../../../messages/downlink.js';

/** What is known in memory of a downlink in the store; the downlink itself stays on disk. */
export interface WaitingEntry {
  readonly seq: number;
  readonly list: DeviceList;
  readonly connectionId: string;
  readonly receivedAt: number;
  readonly validUntil: number;
  attempts: number;
  /** What is stored, until it is durable; then undefined. */
  writing: Buffer | undefined;
  /** Being submitted. */
  busy: boolean;
  /** Being taken out, by a commit under way. */
  claimed: boolean;
  /** In no list any more. */
  gone: boolean;
}

/** The waiting downlinks of one device and one kind of delivery, oldest first. */
export interface DeviceList {
  readonly deviceId: string;
  readonly delivery: Delivery;
  entries: WaitingEntry[];
}

interface Load {
  readonly connectionId: string;
  readonly entries: Set<WaitingEntry>;
  /** Entries that nothing takes out yet. */
  unclaimed: number;
}

export interface NewEntry {
  readonly seq: number;
  readonly delivery: Delivery;
  readonly downlink: Downlink;
  readonly attempts: number;
  readonly writing: Buffer | undefined;
}

/** All that waits. */
export interface WaitingLists {
  add(entry: NewEntry): WaitingEntry;
  remove(entries: readonly WaitingEntry[]): void;
  /** Marks entries as being taken out, so that nobody else hands them out or takes them. */
  claim(entries: readonly WaitingEntry[]): void;
  /** Takes the mark back when they could not be taken out. */
  release(entries: readonly WaitingEntry[]): void;
  find(delivery: Delivery, deviceId: string): DeviceList | undefined;
  all(): Iterable<DeviceList>;
  /** Entries of a connection that count against its capacity. */
  count(connectionId: string): number;
  totals(connectionId: string): QueueTotals;
}

/** The entry that may be handed out next, or undefined. */
export const headOf = ({ entries }: DeviceList): WaitingEntry | undefined => {
  const head = entries[0];
  return head === undefined || head.writing !== undefined || head.busy || head.claimed ? undefined : head;
};

const keyOf = (delivery: Delivery, deviceId: string): string => `${delivery} ${deviceId}`;

export const createWaitingLists = (): WaitingLists => {
  const lists = new Map<string, DeviceList>();
  const loads = new Map<string, Load>();

  const listOf = (delivery: Delivery, deviceId: string): DeviceList => {
    const key = keyOf(delivery, deviceId);
    const list = lists.get(key) ?? { deviceId, delivery, entries: [] };
    lists.set(key, list);
    return list;
  };

  const loadOf = (connectionId: string): Load => {
    const load = loads.get(connectionId) ?? { connectionId, entries: new Set(), unclaimed: 0 };
    loads.set(connectionId, load);
    return load;
  };

  /** Takes out what is gone: mostly the first, else whatever it is in one pass. */
  const tidy = (list: DeviceList): void => {
    if (list.entries[0]?.gone === true) list.entries.shift();
    if (list.entries.some(({ gone }) => gone)) list.entries = list.entries.filter(({ gone }) => !gone);
    if (list.entries.length === 0 && lists.get(keyOf(list.delivery, list.deviceId)) === list) lists.delete(keyOf(list.delivery, list.deviceId));
  };

  const count = (connectionId: string, change: number): void => { loadOf(connectionId).unclaimed += change; };

  return {
    add({ seq, delivery, downlink, attempts, writing }) {
      const list = listOf(delivery, downlink.deviceId);
      const load = loadOf(downlink.connectionId);
      const { receivedAt, validUntil } = downlink;
      const entry: WaitingEntry = { seq, list, connectionId: load.connectionId, receivedAt, validUntil, attempts, writing, busy: false, claimed: false, gone: false };
      list.entries.push(entry);
      load.entries.add(entry);
      load.unclaimed += 1;
      return entry;
    },
    remove(entries) {
      for (const entry of entries) {
        if (entry.gone) continue;
        entry.gone = true;
        loadOf(entry.connectionId).entries.delete(entry);
        if (!entry.claimed) count(entry.connectionId, -1);
      }
      for (const list of new Set(entries.map((entry) => entry.list))) tidy(list);
    },
    claim(entries) {
      for (const entry of entries) {
        entry.claimed = true;
        count(entry.connectionId, -1);
      }
    },
    release(entries) {
      for (const entry of entries) {
        entry.claimed = false;
        if (!entry.gone) count(entry.connectionId, 1);
      }
    },
    find: (delivery, deviceId) => lists.get(keyOf(delivery, deviceId)),
    all: () => lists.values(),
    count: (connectionId) => loads.get(connectionId)?.unclaimed ?? 0,
    totals(connectionId) {
      let waiting = 0;
      let oldest = Infinity;
      for (const { writing, receivedAt } of loads.get(connectionId)?.entries ?? []) {
        if (writing !== undefined) continue;
        waiting += 1;
        oldest = Math.min(oldest, receivedAt);
      }
      return waiting === 0 ? { waiting } : { waiting, oldestReceivedAt: oldest };
    },
  };
};
