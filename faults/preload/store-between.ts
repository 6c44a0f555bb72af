import { open as openTrue, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb';
import { strikeOf } from './strike.js';

/** Stands between the daemon and LMDB, at the outbox only: each of its transactions is one of kind `store`. */
type Root = RootDatabase<Buffer, Buffer>;

const store = new Set(['store'] as const);

const stand = (root: Root): Root => {
  const batch = root.batch.bind(root);
  return Object.assign(root, {
    batch(write: () => void): Promise<boolean> {
      const strike = strikeOf(store);
      const done = batch(() => {
        write();
        strike.begun();
      });
      strike.underWay();
      return done.then((result) => new Promise((resolve) => strike.durable(() => resolve(result))));
    },
  });
};

/** In place of lmdb's own. */
export const open = (options: RootDatabaseOptionsWithPath): Root => {
  const root = openTrue<Buffer, Buffer>(options);
  return /[\\/]outbox$/.test(options.path ?? '') && options.readOnly !== true ? stand(root) : root;
};
