/** Keys of the local outbox: big-endian, so that LMDB's byte order is the order of the numbers. */

/** A connection's number in the keys is at most this. */
export const maxOrdinal = 0xffff;
const maxSeq = 2 ** 48 - 1;
const maxMinute = 0xffff_ffff;
const minuteMs = 60_000;

/** Whether a number from outside can be a position. */
export const isSeq = (seq: number): boolean => Number.isInteger(seq) && seq >= 0 && seq <= maxSeq;

/** Key of a record: connection ordinal (2 bytes), then the position in the outbox (6 bytes). */
export const recordKey = (ordinal: number, seq: number): Buffer => {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt16BE(ordinal, 0);
  key.writeUIntBE(seq, 2, 6);
  return key;
};

export const ordinalOf = (key: Buffer): number => key.readUInt16BE(0);

export const seqOf = (key: Buffer): number => key.readUIntBE(2, 6);

/** The range of all records of one connection after a position. */
export const recordRange = (ordinal: number, afterSeq: number): { readonly start: Buffer; readonly end: Buffer } => ({
  start: recordKey(ordinal, Math.min(Math.max(afterSeq, -1) + 1, maxSeq)),
  end: recordKey(ordinal, maxSeq),
});

/** The bucket of an event time: whole minutes since 1970; 0 when the document names no time. */
export const minuteOf = (eventTimeMs: number): number => (eventTimeMs > 0 ? Math.min(Math.floor(eventTimeMs / minuteMs), maxMinute) : 0);

/** Key of what was seen, where it is an entry of its own: minute of the event (4 bytes), then the hash. Keys of one minute lie side by side, so that whole minutes fall out together. */
export const seenKey = (eventTimeMs: number, hash: Uint8Array): Buffer => {
  const key = Buffer.allocUnsafe(4 + hash.length);
  key.writeUInt32BE(minuteOf(eventTimeMs), 0);
  key.set(hash, 4);
  return key;
};

/** The first possible key of a minute. */
export const minuteStart = (minute: number): Buffer => {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(Math.min(Math.max(minute, 0), maxMinute), 0);
  return key;
};

/** Greater than every key of what was seen. */
export const afterLastMinute = Buffer.alloc(32, 0xff);
