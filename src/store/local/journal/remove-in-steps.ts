import type { Environment } from '../environment.js';

/** Records that lie beside each other are a few pages of LMDB, each of which is written anew before it becomes free. */
const stepSize = 16;

/**
 * Removes records that the journal says are settled. On a disk that is full to the last block a transaction has the free pages of the file
 * and no more: that of a whole epoch may need hundreds, where each small one frees as many as it takes, for the second one after it.
 * A key that is not there any more is no change, so that this may be cut short, and done again.
 */
export const removeInSteps = async (environment: Environment, keys: readonly Buffer[]): Promise<void> => {
  await environment.ready();
  for (let from = 0; from < keys.length; from += stepSize) {
    await environment.commit(({ records }) => {
      for (const key of keys.slice(from, from + stepSize)) void records.remove(key);
    });
  }
};
