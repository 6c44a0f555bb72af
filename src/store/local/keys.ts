import { hash } from 'node:crypto';

/** Keys of the local stores: big-endian positions, so that LMDB's byte order is the order of adding; hashes, because LMDB bounds a key and nothing bounds an id. */

const seqBytes = 6;
export const hashBytes = 16;
export const maxSeq = 2 ** (8 * seqBytes) - 1;

export const seqKey = (seq: number): Buffer => {
  const key = Buffer.allocUnsafe(seqBytes);
  key.writeUIntBE(seq, 0, seqBytes);
  return key;
};

/** A key for any texts; 128 bits of SHA-256. */
export const hashKey = (...texts: readonly string[]): Buffer =>
  hash('sha256', JSON.stringify(texts), 'buffer').subarray(0, hashBytes);

/** Key of one of several things of the same owner: its hash, then a position. */
export const ownedKey = (owner: Buffer, seq: number): Buffer => Buffer.concat([owner, seqKey(seq)]);

/** All keys of one owner. */
export const ownedRange = (owner: Buffer): { readonly start: Buffer; readonly end: Buffer } => ({ start: ownedKey(owner, 0), end: ownedKey(owner, maxSeq) });

/** All keys that are a hash and another one behind it. */
export const prefixRange = (hash: Buffer): { readonly start: Buffer; readonly end: Buffer } => ({ start: hash, end: Buffer.concat([hash, Buffer.alloc(hashBytes + 1, 0xff)]) });

/** The position at the end of a key, or undefined for a key of another length. */
export const seqAtEnd = (key: Buffer, length: 'seq' | 'owned'): number | undefined => {
  const start = length === 'seq' ? 0 : hashBytes;
  return key.length === start + seqBytes ? key.readUIntBE(start, seqBytes) : undefined;
};
