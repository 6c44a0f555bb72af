import type { Tables } from '../environment.js';

const key = Buffer.from('journal');

/** The last epoch of the journal that LMDB holds; undefined in a store that was without a journal so far. */
export const readMark = ({ meta }: Pick<Tables, 'meta'>): number | undefined => {
  const value = meta.getBinary(key);
  return value === undefined ? undefined : Number(value.toString('latin1'));
};

/** For the transaction that holds all changes of that epoch. */
export const writeMark = ({ meta }: Pick<Tables, 'meta'>, epoch: number): void => {
  void meta.put(key, Buffer.from(String(epoch)));
};
