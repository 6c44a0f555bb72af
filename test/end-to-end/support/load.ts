import type { TestBridge } from './bridge.js';
import { apiKey } from './bridge.js';
import type { Received } from './received.js';

/** Numbered uplinks that were answered 2xx, by device, in the order in which they were sent. */
export type Accepted = Map<string, number[]>;

export const devEuiOf = (device: number): string => `aa00${device.toString(16).padStart(12, '0')}`;

export const uplinkBody = (devEui: string, fCnt: number): string =>
  JSON.stringify({
    deduplicationId: `${devEui}-${fCnt}`, time: new Date().toISOString(),
    deviceInfo: { tenantName: 'Load', applicationId: 'load', applicationName: 'load', deviceName: `load-${devEui}`, devEui, tags: { site: 'north' } },
    devAddr: '01020304', adr: true, dr: 5, fCnt, fPort: 2, confirmed: false, data: 'AQIDBA==',
    rxInfo: [{ gatewayId: '0016c001f1500001', uplinkId: fCnt, rssi: -80, snr: 7.5 }], txInfo: { frequency: 868100000, modulation: { lora: { bandwidth: 125000, spreadingFactor: 7, codeRate: 'CR_4_5' } } },
  });

export const postUplink = (bridge: TestBridge, devEui: string, fCnt: number): Promise<number> =>
  bridge.call('/in/factory?event=up', { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': apiKey }, body: uplinkBody(devEui, fCnt) }).then(({ status }) => status);

export interface LoadOptions {
  readonly devices: number;
  readonly count: number;
  /** Webhooks a second; absent: as fast as the bridge answers. */
  readonly perSecond?: number;
  readonly parallel?: number;
  /** First FCnt of every device. */
  readonly from?: number;
  /** Number of the first device; default 0. */
  readonly firstDevice?: number;
  /** Called after each answer. */
  readonly answered?: (index: number, status: number) => void;
}

/** Resolves at the given moment of the monotonic clock: a load generator paces itself by time. */
export const at = (moment: number): Promise<void> => {
  const wait = moment - performance.now();
  return wait <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, wait));
};

/**
 * Posts `count` numbered uplinks round the devices. One device's webhooks go one after another, so that their order is known;
 * devices go beside each other. A webhook whose connection broke was not answered and counts as not accepted.
 * With several bridges a function says, at each webhook, which one gets it.
 */
export const runLoad = async (bridge: TestBridge | ((device: number, fCnt: number) => TestBridge), { devices, count, perSecond, parallel = 50, from = 0, firstDevice = 0, answered }: LoadOptions): Promise<Accepted> => {
  const accepted: Accepted = new Map();
  const bridgeFor = typeof bridge === 'function' ? bridge : () => bridge;
  const start = performance.now();
  const lanes = Math.min(parallel, devices);
  const lane = async (number: number): Promise<void> => {
    for (let index = number; index < count; index += lanes) {
      const device = index % devices;
      if (perSecond !== undefined) await at(start + (index * 1_000) / perSecond);
      const devEui = devEuiOf(firstDevice + device);
      const fCnt = from + Math.floor(index / devices);
      const status = await postUplink(bridgeFor(device, fCnt), devEui, fCnt).catch(() => 0);
      answered?.(index, status);
      if (status !== 204) continue;
      const list = accepted.get(devEui);
      if (list === undefined) accepted.set(devEui, [fCnt]);
      else list.push(fCnt);
    }
  };
  if (devices % lanes !== 0) throw new Error('the number of devices must be a multiple of the number of lanes');
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return accepted;
};

export const countOf = (accepted: Accepted): number => [...accepted.values()].reduce((sum, list) => sum + list.length, 0);

export interface Arrived {
  /** First arrivals by device, in the order of arrival. */
  readonly order: Map<string, number[]>;
  readonly duplicates: number;
  /** The first of them: device, FCnt, and how many messages arrived between the two. */
  readonly repeated: readonly string[];
}

/** Repeated messages that are named. */
const mostNamed = 8;

/** The numbered uplinks among what a broker receives. */
export interface Arrivals {
  /** Reads what came since the last time, or so many of it; true when all is read. */
  read(most?: number): boolean;
  /** Uplinks that are read, each once. */
  count(): number;
  /** Of what is read. */
  arrived(): Arrived;
}

/** Reads each message once; a message id seen before is a redelivery. */
export const createArrivals = (all: readonly Received[]): Arrivals => {
  const order = new Map<string, number[]>();
  const seen = new Map<string, number>();
  const repeated: string[] = [];
  let duplicates = 0;
  let next = 0;

  const take = (index: number): void => {
    const { id, devEui, fCnt } = JSON.parse(all[index]?.payload ?? '{}') as { id: string; devEui?: string; fCnt?: number };
    if (devEui?.startsWith('aa00') !== true || fCnt === undefined) return;
    const before = seen.get(id);
    if (before !== undefined) {
      duplicates += 1;
      if (repeated.length < mostNamed) repeated.push(`${devEui} ${fCnt} (${index - before - 1} between)`);
      return;
    }
    seen.set(id, index);
    const list = order.get(devEui);
    if (list === undefined) order.set(devEui, [fCnt]);
    else list.push(fCnt);
  };

  return {
    read(most = Number.POSITIVE_INFINITY) {
      for (const end = Math.min(all.length, next + most); next < end; next += 1) take(next);
      return next === all.length;
    },
    count: () => seen.size,
    arrived: () => ({ order, duplicates, repeated }),
  };
};

export const arrivedOf = (all: readonly Received[]): Arrived => {
  const arrivals = createArrivals(all);
  arrivals.read();
  return arrivals.arrived();
};

export interface Verdict {
  readonly accepted: number;
  readonly lost: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  /** See `Arrived`. */
  readonly repeated: readonly string[];
}

/** Holds what was accepted against what arrived. */
export const judgeArrived = (accepted: Accepted, { order, duplicates, repeated }: Arrived): Verdict => {
  let lost = 0;
  let outOfOrder = 0;
  for (const [devEui, list] of accepted) {
    const arrived = order.get(devEui) ?? [];
    const here = new Set(arrived);
    lost += list.filter((fCnt) => !here.has(fCnt)).length;
    outOfOrder += arrived.filter((fCnt, index) => index > 0 && fCnt < (arrived[index - 1] ?? 0)).length;
  }
  return { accepted: countOf(accepted), lost, outOfOrder, duplicates, repeated };
};

export const judge = (accepted: Accepted, all: readonly Received[]): Verdict => judgeArrived(accepted, arrivedOf(all));

/** Whether everything accepted has arrived; each message is read once, however often it is asked. */
export const everythingArrived = (accepted: Accepted): ((all: readonly Received[]) => boolean) => {
  const missing = new Set([...accepted].flatMap(([devEui, list]) => list.map((fCnt) => `${devEui}-${fCnt}`)));
  let read = 0;
  return (all) => {
    for (; read < all.length; read += 1) {
      const { devEui, fCnt } = JSON.parse(all[read]?.payload ?? '{}') as { devEui?: string; fCnt?: number };
      missing.delete(`${devEui}-${fCnt}`);
    }
    return missing.size === 0;
  };
};
