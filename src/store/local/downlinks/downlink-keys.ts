import { createHash } from 'node:crypto';

/** Keys of the local downlink store: big-endian positions, so that LMDB's byte order is the order of adding; hashes, because LMDB bounds a key and nothing bounds a device id. */

const seqBytes = 6;
const hashBytes = 16;
const maxSeq = 2 ** (8 * seqBytes) - 1;

export const seqKey = (seq: number): Buffer => {
  const key = Buffer.allocUnsafe(seqBytes);
  key.writeUIntBE(seq, 0, seqBytes);
  return key;
};

/** A key for any texts; 128 bits of SHA-256. */
export const hashKey = (...texts: readonly string[]): Buffer =>
  createHash('sha256').update(JSON.stringify(texts)).digest().subarray(0, hashBytes);

/** Key of a submitted downlink: its device, then the position at which it was first put. */
export const submittedKey = (device: Buffer, seq: number): Buffer => Buffer.concat([device, seqKey(seq)]);

/** All keys of one device. */
export const submittedRange = (device: Buffer): { readonly start: Buffer; readonly end: Buffer } => ({
  start: submittedKey(device, 0),
  end: submittedKey(device, maxSeq),
});

/** The position at the end of a key, or undefined for a key of another length. */
export const seqAtEnd = (key: Buffer, length: 'seq' | 'submitted'): number | undefined => {
  const start = length === 'seq' ? 0 : hashBytes;
  return key.length === start + seqBytes ? key.readUIntBE(start, seqBytes) : undefined;
};
