import type { HttpAnswer, TestBridge } from './bridge.js';

/** One device message at the Sigfox cloud; a repetition has the same numbers. */
export interface SigfoxMessage {
  /** As the cloud writes it: hexadecimal, without leading zeros. */
  readonly device: string;
  readonly seqNumber: number;
  /** Epoch seconds. */
  readonly time: number;
}

const call = (bridge: TestBridge, path: string, body: object): Promise<HttpAnswer> =>
  bridge.call(`/in/sigfox${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

let lastSequence = 0;

/** Callbacks of one second would be repetitions of each other: each has a second of its own, from an hour ago on. */
const firstTime = Math.floor(Date.now() / 1_000) - 3_600;

/** A new message of the device, later than all before. */
export const sigfoxMessage = (device: string): SigfoxMessage => {
  lastSequence += 1;
  return { device, seqNumber: lastSequence, time: firstTime + lastSequence };
};

/** The DATA/BIDIR callback of a device that listens for an answer. */
export const postBidir = (bridge: TestBridge, { device, seqNumber, time }: SigfoxMessage): Promise<HttpAnswer> =>
  call(bridge, '/data/bidir', { device, time: String(time), data: '0d1f00a67e', seqNumber: String(seqNumber), rssi: '-123.00', snr: '18.86', station: '1D44', ack: 'true', longPolling: 'false' });

/** The same device message when the device listens for nothing. */
export const postData = (bridge: TestBridge, { device, seqNumber, time }: SigfoxMessage): Promise<HttpAnswer> =>
  call(bridge, '/data/uplink', { device, time: String(time), data: '0d1f00a67e', seqNumber: String(seqNumber) });

/** Names of the ACKNOWLEDGE callback's infoCode, by number. */
const infoMessages = ['Acked', 'No answer from the device', 'Invalid payload', 'Overrun error', 'Network error', 'Pending', 'No downlink contract', 'Too many requests', 'Invalid configuration'];

/** The SERVICE/ACKNOWLEDGE callback: what became of the answer of the last bidirectional callback. */
export const postAcknowledge = (bridge: TestBridge, device: string, infoCode: number): Promise<HttpAnswer> =>
  call(bridge, '/service/acknowledge', { device, time: String(sigfoxMessage(device).time), infoCode: String(infoCode), infoMessage: infoMessages[infoCode], downlinkAck: infoCode === 0, downlinkOverusage: false });

/** The 8 bytes in the answer, in hex; undefined when the answer says that there is nothing for the device. */
export const downlinkOf = ({ status, body }: HttpAnswer, device: string): string | undefined => {
  if (status === 204 && body === '') return undefined;
  const answer = JSON.parse(body) as Record<string, { downlinkData?: string; noData?: boolean }>;
  if (status !== 200 || Object.keys(answer).join() !== device) throw new Error(`Sigfox cannot use the answer ${status} ${body}`);
  return answer[device]?.downlinkData;
};
