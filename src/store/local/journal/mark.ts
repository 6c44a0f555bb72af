import type { Tables } from '../environment.js';

const key = Buffer.from('journal');

/** The last epoch of the journal that LMDB holds; undefined when it holds all: after a clean stop, or when there was no journal so far. */
export const readMark = ({ meta }: Pick<Tables, 'meta'>): number | undefined => {
  const value = meta.getBinary(key);
  return value === undefined ? undefined : Number(value.toString('latin1'));
};

/** For the transaction that holds all changes of that epoch. */
export const writeMark = ({ meta }: Pick<Tables, 'meta'>, epoch: number): void => {
  void meta.put(key, Buffer.from(String(epoch)));
};

/** For the transaction that holds all there is. */
export const removeMark = ({ meta }: Pick<Tables, 'meta'>): void => {
  void meta.remove(key);
};
