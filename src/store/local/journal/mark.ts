import type { Tables } from '../environment.js';

const key = Buffer.from('journal');
const closedWord = 'closed';

/** What LMDB says of the journal. */
export interface Mark {
  /** The last epoch that LMDB holds. */
  readonly epoch: number;
  /** LMDB holds all: the journal was stored and closed. */
  readonly closed: boolean;
}

/** Undefined in a store that was without a journal so far. */
export const readMark = ({ meta }: Pick<Tables, 'meta'>): Mark | undefined => {
  const [epoch, word] = meta.getBinary(key)?.toString('latin1').split(' ') ?? [];
  return epoch === undefined ? undefined : { epoch: Number(epoch), closed: word === closedWord };
};

/** For the transaction that holds all changes of that epoch. */
export const writeMark = ({ meta }: Pick<Tables, 'meta'>, { epoch, closed }: Mark): void => {
  void meta.put(key, Buffer.from(closed ? `${epoch} ${closedWord}` : `${epoch}`));
};
