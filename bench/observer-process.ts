import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { build } from 'hdr-histogram-js';
import { generate, type Packet } from 'mqtt-packet';
import { sentMicrosOf } from './bodies.js';
import { nowMicros } from './clock.js';
import { createFrameCutter, frameType } from './mqtt-frames.js';
import type { Percentiles } from './types.js';

/** A command of `startObserver`: one JSON object a line on stdin. `id` comes back with the answer. */
interface Command {
  readonly do: 'begin' | 'count' | 'end';
  readonly id: number;
}

/** What `startObserver` says at the start, as the only argument. */
export interface ObserverSettings {
  readonly port: number;
  readonly filters: readonly string[];
}

const { port, filters } = JSON.parse(process.argv[2] ?? '{}') as ObserverSettings;

/** Ten minutes, µs: nothing that is measured here takes longer. */
const longestMicros = 600_000_000;
const latencies = build({ lowestDiscernibleValue: 1, highestTrackableValue: longestMicros, numberOfSignificantValueDigits: 3, bitBucketSize: 32 });

let count = 0;
/** Epoch µs of the first and the last message. */
let firstAt = 0;
let lastAt = 0;
/** When the chunk that is being cut came; all that is in it came then. */
let chunkAt = 0;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const percentiles = (): Percentiles => {
  const at = (share: number): number => latencies.getValueAtPercentile(share) / 1_000;
  return { p50: at(50), p99: at(99), p999: at(99.9), max: latencies.maxValue / 1_000 };
};

const begin = (): void => {
  count = 0;
  latencies.reset();
};

const arrivals = (): object => ({ count, perSecond: count < 2 ? 0 : ((count - 1) * 1_000_000) / (lastAt - firstAt), latencyMs: latencies.totalCount === 0 ? { p50: 0, p99: 0, p999: 0, max: 0 } : percentiles() });

const socket = connect({ port, host: '127.0.0.1', noDelay: true });
const send = (packet: Packet): void => void socket.write(generate(packet));
/** By the type of the packet that the broker answers with. */
const waiting = new Map<number, () => void>();

/** At QoS 0 a PUBLISH has no packet id: its payload follows the topic. */
const arrived = (buffer: Buffer, { start, end }: { readonly start: number; readonly end: number }): void => {
  count += 1;
  lastAt = chunkAt;
  if (count === 1) firstAt = chunkAt;
  const sentMicros = sentMicrosOf(buffer.subarray(start + 2 + buffer.readUInt16BE(start), end));
  if (sentMicros !== undefined) latencies.recordValue(Math.min(longestMicros, Math.max(1, chunkAt - sentMicros)));
};

const cut = createFrameCutter((type, buffer, place) => {
  if (type === frameType.publish) return arrived(buffer, place);
  const answer = waiting.get(type);
  waiting.delete(type);
  answer?.();
});

socket.on('data', (chunk: Buffer) => {
  chunkAt = nowMicros();
  cut(chunk);
});
socket.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
socket.on('close', () => process.exit(1));

/** The broker sends in order, so behind the answer to UNSUBSCRIBE nothing comes that was published before it. */
const obey = (command: Command): void => {
  const { id } = command;
  switch (command.do) {
    case 'begin':
      waiting.set(frameType.suback, () => say({ answer: id }));
      begin();
      return send({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 0 as const })) });
    case 'count':
      return say({ answer: id, count });
    case 'end':
      waiting.set(frameType.unsuback, () => say({ answer: id, ...arrivals() }));
      return send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [...filters] });
  }
};

createInterface({ input: process.stdin }).on('line', (line) => obey(JSON.parse(line) as Command));
process.stdin.on('end', () => process.exit(0));
waiting.set(frameType.connack, () => say({ listening: true }));
send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: `observer-${process.pid}`, clean: true, keepalive: 0 });
