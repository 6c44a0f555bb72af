import type { TestBroker } from './broker.js';
import type { Arrival } from './network-server.js';
import type { Received } from './received.js';

/** The three forms in which a downlink may be written. */
export type DownlinkForm = 'thingpark' | 'the-things-stack' | 'native';

export const downlinkForms: readonly DownlinkForm[] = ['thingpark', 'the-things-stack', 'native'];

/** A downlink as an application means it. */
export interface Command {
  readonly deviceId: string;
  readonly fPort?: number;
  /** Hex. */
  readonly payload: string;
  readonly correlationId?: string;
  readonly confirmed?: boolean;
  readonly flush?: boolean;
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

const documents: Readonly<Record<DownlinkForm, (command: Command) => object>> = {
  thingpark: ({ deviceId, fPort, payload, correlationId, confirmed, flush }) => ({
    DevEUI_downlink: { Time: new Date().toISOString(), DevEUI: deviceId.toUpperCase(), FPort: fPort, payload_hex: payload, Confirmed: confirmed === true ? '1' : undefined, FlushDownlinkQueue: flush === true ? '1' : undefined, CorrelationID: correlationId },
  }),
  'the-things-stack': ({ fPort, payload, correlationId, confirmed }) => ({
    downlinks: [{ f_port: fPort, frm_payload: base64(payload), confirmed, priority: 'NORMAL', correlation_ids: correlationId === undefined ? undefined : [correlationId] }],
  }),
  native: ({ fPort, payload, correlationId, confirmed, flush }) => ({ fPort, payload, confirmed, flush, correlationId }),
};

export const downlinkTopic = (deviceId: string): string => `tpx/things/${deviceId.toUpperCase()}/downlink`;

/** The message that an application publishes. */
export const downlinkMessage = (command: Command, form: DownlinkForm = 'native'): Received => ({ topic: downlinkTopic(command.deviceId), payload: JSON.stringify(documents[form](command)) });

export const sendDownlink = (broker: TestBroker, command: Command, form: DownlinkForm = 'native'): Promise<void> => broker.publish([downlinkMessage(command, form)]);

let lastId = 0;

/** 16 hexadecimal digits, as ThingPark wants them; no other in this process is the same. */
export const newCorrelationId = (): string => {
  lastId += 1;
  return `C0DE${lastId.toString(16).toUpperCase().padStart(12, '0')}`;
};

/** Numbered downlinks that were sent, by device, in the order sent. */
export type Sent = Map<string, number[]>;

export interface NumberedOptions {
  readonly devices: number;
  readonly count: number;
  /** First number of every device. */
  readonly from?: number;
  /** Tells the devices of one network server from those of another. */
  readonly family?: string;
}

export const deviceOf = (index: number, family = 'dd'): string => `${family}${index.toString(16).padStart(14, '0')}`;

const payloadOf = (number: number): string => number.toString(16).padStart(8, '0');

/** Correlation id of a numbered downlink: device and number. */
export const correlationIdOf = (deviceId: string, number: number): string => `${deviceId}-${number}`;

/** `count` downlinks round the devices, their number in the payload; and what was made. */
export const numberedDownlinks = ({ devices, count, from = 0, family }: NumberedOptions): { readonly messages: readonly Received[]; readonly sent: Sent } => {
  const sent: Sent = new Map();
  const messages = Array.from({ length: count }, (_, index) => {
    const deviceId = deviceOf(index % devices, family);
    const number = from + Math.floor(index / devices);
    sent.set(deviceId, [...(sent.get(deviceId) ?? []), number]);
    return downlinkMessage({ deviceId, fPort: 7, payload: payloadOf(number), correlationId: correlationIdOf(deviceId, number) });
  });
  return { messages, sent };
};

export const mergeSent = (...parts: readonly Sent[]): Sent => {
  const merged: Sent = new Map();
  for (const part of parts) for (const [deviceId, numbers] of part) merged.set(deviceId, [...(merged.get(deviceId) ?? []), ...numbers]);
  return merged;
};

export const countSent = (sent: Sent): number => [...sent.values()].reduce((sum, numbers) => sum + numbers.length, 0);

export const correlationIdsOf = (sent: Sent): readonly string[] => [...sent].flatMap(([deviceId, numbers]) => numbers.map((number) => correlationIdOf(deviceId, number)));

/** Numbered downlinks by the ids that were given to them, in this order. */
export const sentOf = (correlationIds: readonly string[]): Sent => {
  const sent: Sent = new Map();
  for (const [deviceId = '', number] of correlationIds.map((id) => id.split('-'))) sent.set(deviceId, [...(sent.get(deviceId) ?? []), Number(number)]);
  return sent;
};

export interface DownlinkVerdict {
  readonly sent: number;
  readonly lost: number;
  /** First arrivals that came after one of their device that was sent later. */
  readonly outOfOrder: number;
  /** Arrivals beyond the first of a downlink. */
  readonly again: number;
}

/** First arrivals of each device, in the order of arrival. */
const firstArrivals = (arrivals: readonly Arrival[]): ReadonlyMap<string, readonly number[]> => {
  const order = new Map<string, number[]>();
  for (const { devEui, payload = '' } of arrivals) {
    const number = Number.parseInt(payload, 16);
    const numbers = order.get(devEui);
    if (numbers === undefined) order.set(devEui, [number]);
    else if (!numbers.includes(number)) numbers.push(number);
  }
  return order;
};

/** Holds what was sent against what a network server took. */
export const judgeDownlinks = (sent: Sent, taken: readonly Arrival[]): DownlinkVerdict => {
  const order = firstArrivals(taken);
  let lost = 0;
  let outOfOrder = 0;
  let first = 0;
  for (const [deviceId, numbers] of sent) {
    const arrived = order.get(deviceId) ?? [];
    const here = new Set(arrived);
    first += here.size;
    lost += numbers.filter((number) => !here.has(number)).length;
    const places = arrived.map((number) => numbers.indexOf(number));
    outOfOrder += places.filter((place, index) => place < (places[index - 1] ?? 0)).length;
  }
  const ours = taken.filter(({ devEui }) => sent.has(devEui)).length;
  return { sent: countSent(sent), lost, outOfOrder, again: ours - first };
};

/** Most arrivals in any window of one second, however it lies. Times are in ms and ascend. */
export const busiestSecond = (times: readonly number[]): number => {
  let busiest = 0;
  let start = 0;
  times.forEach((time, index) => {
    while (time - (times[start] ?? time) >= 1_000) start += 1;
    busiest = Math.max(busiest, index - start + 1);
  });
  return busiest;
};

/** Arrivals a second from the first to the last. */
export const sustainedRate = (times: readonly number[]): number => ((times.length - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
