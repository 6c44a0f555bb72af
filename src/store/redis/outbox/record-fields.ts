import type { Reason } from '../../../errors.js';
import type { Append, NewRecord, OutboxRecord, ParkedRecord } from '../../../uplink/ports.js';
import type { Argument } from '../script.js';

/** What no script looks at. */
type About = readonly [messageId: string, type: string, topic: string, expiresAt: number];

const aboutOf = ({ messageId, type, topic, expiresAt }: NewRecord): string => JSON.stringify([messageId, type, topic, expiresAt] satisfies About);

/** How many arguments of `appendScript` a record is. */
export const argumentsPerRecord = 8;

/** A record as the scripts take it: connection, time of acceptance, device, network server, about, payload. */
export const fieldsOf = (record: NewRecord): Argument[] => {
  const { connectionId, acceptedAt, deviceId, networkServerId, payload } = record;
  return [connectionId, acceptedAt, deviceId, networkServerId, aboutOf(record), payload];
};

/** Bytes for which a record counts, as the scripts' `sizeOf` counts them. */
export const sizeOf = (record: NewRecord): number => {
  const { deviceId, networkServerId, payload } = record;
  return Buffer.byteLength(deviceId) + Buffer.byteLength(networkServerId) + Buffer.byteLength(aboutOf(record)) + payload.length + 64;
};

const minuteMs = 60_000;

/** Key of what came: the minute of the event by the document's own clock (4 bytes, 0 without), then the hash of the idempotency key. */
export const arrivalKeyOf = ({ eventTimeMs, dedupKey }: Append): Buffer => {
  const key = Buffer.allocUnsafe(4 + dedupKey.length);
  key.writeUInt32BE(eventTimeMs > 0 ? Math.min(Math.floor(eventTimeMs / minuteMs), 0xffff_ffff) : 0, 0);
  key.set(dedupKey, 4);
  return key;
};

/** Whether a number from outside can be a position; Lua counts exactly up to 2^53. */
export const isPosition = (seq: number): boolean => Number.isSafeInteger(seq) && seq > 0;

/** An entry of a stream: its id and its fields, names and values in turn. */
export type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

const textAt = (values: readonly (Buffer | null)[], index: number): string => values[index]?.toString() ?? '';

type Stored = readonly [at: Buffer, device: Buffer, ns: Buffer, about: Buffer, payload: Buffer];

/** The payload is copied: a reply is a piece of a much larger chunk, which a record that waits long would keep in memory. */
const recordOf = (connectionId: string, seq: number, [at, device, ns, about, payload]: Stored): OutboxRecord => {
  const [messageId, type, topic, expiresAt] = JSON.parse(about.toString()) as About;
  return { seq, connectionId, messageId, networkServerId: ns.toString(), deviceId: device.toString(), type, topic, payload: Buffer.from(payload), acceptedAt: Number(at.toString()), expiresAt };
};

const none = Buffer.alloc(0);

export const recordOfEntry = (connectionId: string, [id, fields]: Entry): OutboxRecord => {
  const at = (index: number): Buffer => fields[index] ?? none;
  return recordOf(connectionId, Number.parseInt(id.toString(), 10), [at(1), at(3), at(5), at(7), at(9)]);
};

/** What the scripts give of a parked message: its position, and its connection, stored fields, reason, detail and the time at which it was parked. */
export type ParkedEntry = readonly [position: Buffer, values: readonly (Buffer | null)[]];

export const parkedOfEntry = ([position, values]: ParkedEntry): ParkedRecord => {
  const at = (index: number): Buffer => values[index] ?? none;
  const record = recordOf(textAt(values, 0), Number(position.toString()), [at(1), at(2), at(3), at(4), at(5)]);
  return { ...record, reason: textAt(values, 6) as Reason, detail: textAt(values, 7), parkedAt: Number(textAt(values, 8)) };
};

/** About how much memory a record needs. */
export const weightOf = ({ payload, topic }: NewRecord): number => payload.length + topic.length + 200;
