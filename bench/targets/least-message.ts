import { hash } from 'node:crypto';

// What the least program (e) does with a document: checked and written in the bridge's form, for the one body that it is measured with.

/** What is appended and published. */
export interface LeastMessage {
  /** First 16 bytes of SHA-256, in hex. */
  readonly id: string;
  readonly topic: string;
  readonly payload: Buffer;
}

type Document = Readonly<Record<string, unknown>>;

const wrong = (name: string): never => {
  throw new Error(`${name} is not what it should be`);
};

const object = (of: Document, name: string): Document => {
  const { [name]: value } = of;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Document) : wrong(name);
};

const text = (of: Document, name: string): string => {
  const { [name]: value } = of;
  return typeof value === 'string' ? value : wrong(name);
};

const number = (of: Document, name: string): number => {
  const { [name]: value } = of;
  return typeof value === 'number' ? value : wrong(name);
};

const flag = (of: Document, name: string): boolean => {
  const { [name]: value } = of;
  return typeof value === 'boolean' ? value : wrong(name);
};

const integer = (of: Document, name: string, most: number): number => {
  const value = Number(of[name]);
  return Number.isInteger(value) && value >= 0 && value <= most ? value : wrong(name);
};

const hex = (of: Document, name: string, digits: number): string => {
  const value = text(of, name);
  return value.length === digits && /^[0-9a-fA-F]*$/.test(value) ? value.toLowerCase() : wrong(name);
};

const time = (of: Document, name: string): string => {
  const ms = Date.parse(text(of, name));
  return Number.isNaN(ms) ? wrong(name) : new Date(ms).toISOString();
};

const gatewayOf = (entry: Document): object => {
  const location = object(entry, 'location');
  const { uplinkId, rfChain, context, metadata, crcStatus } = entry;
  return {
    id: hex(entry, 'gatewayId', 16), rssiDbm: number(entry, 'rssi'), snrDb: number(entry, 'snr'),
    latitude: number(location, 'latitude'), longitude: number(location, 'longitude'), altitudeM: number(location, 'altitude'),
    time: time(entry, 'gwTime'), channel: integer(entry, 'channel', 0xffff_ffff), native: { uplinkId, rfChain, context, metadata, crcStatus },
  };
};

const radioOf = (root: Document): object => {
  const txInfo = object(root, 'txInfo');
  const lora = object(object(txInfo, 'modulation'), 'lora');
  const { rxInfo } = root;
  return {
    dataRate: `SF${number(lora, 'spreadingFactor')}BW${number(lora, 'bandwidth') / 1_000}`,
    codingRate: text(lora, 'codeRate').slice(3).replace('_', '/'),
    frequencyHz: integer(txInfo, 'frequency', 0xffff_ffff),
    gateways: Array.isArray(rxInfo) ? rxInfo.map((entry) => gatewayOf(entry as Document)) : wrong('rxInfo'),
  };
};

const deviceOf = (info: Document): object => ({
  name: text(info, 'deviceName'), application: text(info, 'applicationName'), applicationId: text(info, 'applicationId'),
  profile: text(info, 'deviceProfileName'), class: text(info, 'deviceClassEnabled').slice(6), tags: object(info, 'tags'),
});

const networkServer = { id: 'chirpstack', kind: 'chirpstack' } as const;

/** Reads a ChirpStack body. @throws when a field is not what it should be */
export const leastMessage = (body: Buffer): LeastMessage => {
  const root = JSON.parse(body.toString('latin1')) as Document;
  const info = object(root, 'deviceInfo');
  const devEui = hex(info, 'devEui', 16);
  const deduplicationId = text(root, 'deduplicationId');
  const id = hash('sha256', `chirpstack\n${devEui}\nuplink\nup ${deduplicationId}`, 'hex').slice(0, 32);
  const { tenantId, tenantName, deviceProfileId } = info;
  const { dr, regionConfigId } = root;
  const message = {
    id, type: 'uplink', deviceId: devEui, devEui, networkServer, time: time(root, 'time'), receivedAt: new Date().toISOString(),
    devAddr: hex(root, 'devAddr', 8), device: deviceOf(info), native: { deduplicationId, deviceInfo: { tenantId, tenantName, deviceProfileId }, dr, regionConfigId },
    radio: radioOf(root), fPort: integer(root, 'fPort', 255), fCnt: integer(root, 'fCnt', 0xffff_ffff), confirmed: flag(root, 'confirmed'), adr: flag(root, 'adr'),
    decoded: object(root, 'object'), payload: Buffer.from(text(root, 'data'), 'base64').toString('hex'),
  };
  return { id, topic: `tpx/things/${devEui.toUpperCase()}/uplink`, payload: Buffer.from(JSON.stringify(message)) };
};
