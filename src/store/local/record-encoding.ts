import { crc32 } from 'node:zlib';
import type { Reason } from '../../errors.js';
import type { NewRecord, OutboxRecord, ParkedRecord } from '../../uplink/ports.js';

/**
 * The stored form of a record. A checksum stands in front because LMDB has none:
 * version (1 byte), CRC-32 of all that follows (4), acceptedAt and expiresAt (doubles), five texts (length of 4 bytes, then UTF-8), payload.
 * A parked record is: version, CRC-32, parkedAt, two texts (reason, detail), then the stored record as it was.
 */
const version = 1;
export const bodyStart = 5;
const recordTextsStart = bodyStart + 16;
const parkedTextsStart = bodyStart + 8;

/** What a record costs beside its value: key, node header and its share of half-filled pages; counted into `maxBytes`. */
const recordOverheadBytes = 64;

/** What a stored value counts against a limit of bytes. */
export const storedBytes = (value: { readonly length: number }): number => value.length + recordOverheadBytes;

/** What is wrong with a stored value, or undefined. @param length Of the value, where a longer buffer holds it. */
export const damageOf = (value: Buffer, length = value.length): string | undefined => {
  if (length < bodyStart) return 'it is cut short';
  if (value.readUInt32BE(1) !== crc32(value.subarray(bodyStart, length))) return 'its checksum is wrong';
  return value[0] === version ? undefined : `its version ${value[0] ?? 0} is unknown`;
};

const writeText = (target: Buffer, text: string, offset: number): number => {
  const length = target.write(text, offset + 4, 'utf8');
  target.writeUInt32BE(length, offset);
  return offset + 4 + length;
};

const sizeOfTexts = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 0);

/** Writes version and checksum in front of a body that begins at `bodyStart`. */
export const seal = (value: Buffer): Buffer => {
  value[0] = version;
  value.writeUInt32BE(crc32(value.subarray(bodyStart)), 1);
  return value;
};

const textsOf = (record: NewRecord): string[] => [record.messageId, record.networkServerId, record.deviceId, record.type, record.topic];

export const encodeRecord = (record: NewRecord): Buffer => {
  const texts = textsOf(record);
  const value = Buffer.allocUnsafe(recordTextsStart + sizeOfTexts(texts) + record.payload.length);
  value.writeDoubleBE(record.acceptedAt, bodyStart);
  value.writeDoubleBE(record.expiresAt, bodyStart + 8);
  let offset = recordTextsStart;
  for (const text of texts) offset = writeText(value, text, offset);
  value.set(record.payload, offset);
  return seal(value);
};

/** Reads texts one after the other; `offset` ends behind the last. */
const textReader = (value: Buffer, start: number): { readonly next: () => string; readonly offset: () => number } => {
  let offset = start;
  const next = (): string => {
    const from = offset + 4;
    offset = from + value.readUInt32BE(offset);
    return value.toString('utf8', from, offset);
  };
  return { next, offset: () => offset };
};

export const acceptedAtOf = (value: Buffer): number => value.readDoubleBE(bodyStart);

/** Reads a value without damage. The payload is a view of `value`, which must be memory of our own, not LMDB's. */
export const decodeRecord = (connectionId: string, seq: number, value: Buffer): OutboxRecord => {
  const text = textReader(value, recordTextsStart);
  return {
    seq,
    connectionId,
    messageId: text.next(),
    networkServerId: text.next(),
    deviceId: text.next(),
    type: text.next(),
    topic: text.next(),
    payload: value.subarray(text.offset()),
    acceptedAt: acceptedAtOf(value),
    expiresAt: value.readDoubleBE(bodyStart + 8),
  };
};

export interface Parking {
  readonly reason: Reason;
  readonly detail: string;
  readonly parkedAt: number;
}

/** Wraps a stored record. */
export const encodeParked = (record: Buffer, parking: Parking): Buffer => {
  const texts = [parking.reason, parking.detail];
  const value = Buffer.allocUnsafe(parkedTextsStart + sizeOfTexts(texts) + record.length);
  value.writeDoubleBE(parking.parkedAt, bodyStart);
  let offset = parkedTextsStart;
  for (const text of texts) offset = writeText(value, text, offset);
  value.set(record, offset);
  return seal(value);
};

/** What parked messages are filtered by. Reads a value without damage. */
export const parkedFieldsOf = (value: Buffer): { readonly reason: string; readonly networkServerId: string; readonly deviceId: string } => {
  const parking = textReader(value, parkedTextsStart);
  const reason = parking.next();
  parking.next();
  const record = textReader(value, parking.offset() + recordTextsStart);
  record.next();
  return { reason, networkServerId: record.next(), deviceId: record.next() };
};

export const decodeParked = (connectionId: string, seq: number, value: Buffer): ParkedRecord => {
  const text = textReader(value, parkedTextsStart);
  const reason = text.next() as Reason;
  const detail = text.next();
  return { ...decodeRecord(connectionId, seq, value.subarray(text.offset())), reason, detail, parkedAt: value.readDoubleBE(bodyStart) };
};
