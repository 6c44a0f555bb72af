import { BridgeError, messageOf } from '../../errors.js';
import { openEnvironment, type AnyTables, type Environment, type Opened } from './environment.js';

/**
 * Opens a checked environment. Once it is closed nobody reads from it any more, since LMDB might end the process.
 * @param name What it is in a sentence, such as `outbox`.
 * @throws BridgeError store_unavailable
 */
export const openStore = <T extends AnyTables>(path: string, name: string, openHere: (path: string) => Opened<T>): Environment<T> => {
  let closed = false;
  try {
    const environment = openEnvironment(path, openHere);
    return {
      ...environment,
      tables: () => (closed ? undefined : environment.tables()),
      close() {
        closed = true;
        return environment.close();
      },
    };
  } catch (cause) {
    throw new BridgeError('store_unavailable', { detail: `cannot open the ${name} in ${path}: ${messageOf(cause)}`, cause });
  }
};

/** Reads from a store. An empty answer would say that nothing is there, so a store that cannot be read is an error: BridgeError `store_unavailable`. */
export const readStore = <T extends AnyTables, R>(environment: Pick<Environment<T>, 'tables'>, name: string, read: (tables: T) => R): R => {
  try {
    const tables = environment.tables();
    if (tables === undefined) throw new Error('it is not open');
    return read(tables);
  } catch (cause) {
    if (cause instanceof BridgeError) throw cause;
    throw new BridgeError('store_unavailable', { detail: `the ${name} cannot be read: ${messageOf(cause)}`, cause });
  }
};
