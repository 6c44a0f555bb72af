import { crc32 } from 'node:zlib';
import { hashBytes } from '../keys.js';
import { Damage } from '../probe-report.js';

/** What one write of the outbox changes, as far as the journal takes it. */
export interface Changes {
  /** New records. */
  readonly records?: readonly KeyAndValue[];
  /** Keys of records that are settled. */
  readonly removed?: readonly Buffer[];
  /** Entries of what was seen, by bucket. */
  readonly seen?: readonly (readonly [bucket: number, entries: Buffer])[];
  /** Entries of what was seen that are in no run. */
  readonly singles?: readonly KeyAndValue[];
}

export interface KeyAndValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * The form of a frame, which is one write: magic (4 bytes), epoch (6), number in the epoch (4), length of the body (4), CRC-32 of what stands before it
 * from the epoch on and of the body (4), two bytes of nothing; then the body, item by item: kind (1 byte) and
 * 1: key of a record (8), length (4), value; 2: key of a record (8); 3: bucket (6), length (4), entries; 4: key (20), value (8).
 * A frame begins on a page, so that none is written again with its successor, and one that is damaged can be passed over to see whether others follow.
 */
export const pageBytes = 4_096;
const magic = 0x4c424a31;
const headerBytes = 24;
const crcAt = 18;
const recordKeyBytes = 8;
const singleKeyBytes = 4 + hashBytes;
const singleValueBytes = 8;
const bucketBytes = 6;

const kinds = { record: 1, removed: 2, seen: 3, single: 4 } as const;

/** Where a frame stands. */
export interface Place {
  readonly epoch: number;
  readonly number: number;
}

const wholePages = (bytes: number): number => Math.ceil(bytes / pageBytes) * pageBytes;

const bodyLength = ({ records = [], removed = [], seen = [], singles = [] }: Changes): number => {
  let length = removed.length * (1 + recordKeyBytes) + singles.length * (1 + singleKeyBytes + singleValueBytes);
  for (const { value } of records) length += 1 + recordKeyBytes + 4 + value.length;
  for (const [, entries] of seen) length += 1 + bucketBytes + 4 + entries.length;
  return length;
};

/** Bytes that a frame with these changes takes: whole pages. */
export const frameBytes = (changes: readonly Changes[]): number => wholePages(changes.reduce((sum, one) => sum + bodyLength(one), headerBytes));

const checksum = (frame: Buffer, length: number): number => crc32(frame.subarray(headerBytes, headerBytes + length), crc32(frame.subarray(4, crcAt)));

const writeBody = (target: Buffer, { records = [], removed = [], seen = [], singles = [] }: Changes, start: number): number => {
  let at = start;
  const bytes = (value: Uint8Array): void => {
    target.set(value, at);
    at += value.length;
  };
  const withLength = (value: Buffer): void => {
    at = target.writeUInt32BE(value.length, at);
    bytes(value);
  };
  for (const { key, value } of records) {
    at = target.writeUInt8(kinds.record, at);
    bytes(key);
    withLength(value);
  }
  for (const key of removed) {
    at = target.writeUInt8(kinds.removed, at);
    bytes(key);
  }
  for (const [bucket, entries] of seen) {
    at = target.writeUInt8(kinds.seen, at);
    at = target.writeUIntBE(bucket, at, bucketBytes);
    withLength(entries);
  }
  for (const { key, value } of singles) {
    at = target.writeUInt8(kinds.single, at);
    bytes(key);
    bytes(value);
  }
  return at;
};

/** Writes a frame to the begin of a buffer that has `frameBytes` of room. */
export const writeFrame = (target: Buffer, { epoch, number }: Place, changes: readonly Changes[]): void => {
  const end = changes.reduce((at, one) => writeBody(target, one, at), headerBytes);
  const length = end - headerBytes;
  target.writeUInt32BE(magic, 0);
  target.writeUIntBE(epoch, 4, 6);
  target.writeUInt32BE(number, 10);
  target.writeUInt32BE(length, 14);
  target.writeUInt32BE(checksum(target, length), crcAt);
  target.fill(0, crcAt + 4, headerBytes);
  target.fill(0, end, wholePages(end));
};

/** A frame without damage. */
const bodyAt = (file: Buffer, offset: number, epoch: number): { readonly number: number; readonly body: Buffer } | undefined => {
  if (offset + headerBytes > file.length || file.readUInt32BE(offset) !== magic || file.readUIntBE(offset + 4, 6) !== epoch) return undefined;
  const frame = file.subarray(offset);
  const length = frame.readUInt32BE(14);
  if (headerBytes + length > frame.length || frame.readUInt32BE(crcAt) !== checksum(frame, length)) return undefined;
  return { number: frame.readUInt32BE(10), body: frame.subarray(headerBytes, headerBytes + length) };
};

const readBody = (body: Buffer): Required<Changes> => {
  const records: KeyAndValue[] = [];
  const removed: Buffer[] = [];
  const seen: [number, Buffer][] = [];
  const singles: KeyAndValue[] = [];
  let at = 0;
  const bytes = (length: number): Buffer => body.subarray(at, (at += length));
  const withLength = (): Buffer => bytes(bytes(4).readUInt32BE(0));
  while (at < body.length) {
    const kind = bytes(1)[0];
    if (kind === kinds.record) records.push({ key: bytes(recordKeyBytes), value: withLength() });
    else if (kind === kinds.removed) removed.push(bytes(recordKeyBytes));
    else if (kind === kinds.seen) seen.push([bytes(bucketBytes).readUIntBE(0, bucketBytes), withLength()]);
    else if (kind === kinds.single) singles.push({ key: bytes(singleKeyBytes), value: bytes(singleValueBytes) });
    else throw new Damage(`the journal has an item of kind ${kind ?? 'none'}`);
  }
  return { records, removed, seen, singles };
};

/** The frame of the epoch at this offset; undefined where there is no whole one. @throws Damage when it holds what is not known */
export const readFrame = (file: Buffer, offset: number, epoch: number): { readonly number: number; readonly bytes: number; readonly changes: Required<Changes> } | undefined => {
  const frame = bodyAt(file, offset, epoch);
  return frame && { number: frame.number, bytes: wholePages(headerBytes + frame.body.length), changes: readBody(frame.body) };
};

/** What a file holds of an epoch. */
export interface Frames {
  /** Of each frame, in order. */
  readonly changes: readonly Required<Changes>[];
  /** Where the next frame goes, bytes. */
  readonly end: number;
}

/**
 * Reads the frames of an epoch. The last frame may be torn: its write was not over when the process or the machine ended, and nobody was told of it.
 * @throws Damage when a whole frame follows one that is not
 */
export const readFrames = (file: Buffer, epoch: number): Frames => {
  const found: Required<Changes>[] = [];
  let offset = 0;
  for (let frame = readFrame(file, 0, epoch); frame?.number === found.length; frame = readFrame(file, offset, epoch)) {
    offset += frame.bytes;
    found.push(frame.changes);
  }
  for (let later = offset; later < file.length; later += pageBytes) {
    const frame = bodyAt(file, later, epoch);
    if (frame !== undefined && frame.number > found.length) throw new Damage(`the journal is damaged before its frame ${frame.number} of epoch ${epoch}`);
  }
  return { changes: found, end: offset };
};
