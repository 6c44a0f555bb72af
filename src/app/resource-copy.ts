import type { ResourceSnapshot, ResourceStore } from '../api/ports.js';
import { BridgeError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { SnapshotCopy } from '../store/local/snapshot-copy.js';

/**
 * A shared store, with a copy beside this replica of what it last held: a bridge that starts while the store is away runs with it, and takes uplinks.
 * A store that holds less than the copy has lost its data; following it would delete every connection, so it is refused instead.
 */
export const withCopy = (store: ResourceStore, copy: SnapshotCopy, logger: Logger): ResourceStore => {
  let last: ResourceSnapshot | undefined;

  const known = async (): Promise<ResourceSnapshot | undefined> => (last ??= await copy.read());

  const keep = async (snapshot: ResourceSnapshot): Promise<ResourceSnapshot> => {
    const before = await known();
    if (before !== undefined && snapshot.version < before.version)
      throw new BridgeError('store_unavailable', { detail: `the shared store holds version ${snapshot.version} of the resources, this replica knows version ${before.version}: it lost data. Restore it, or remove resources-copy.json from the data directory to go on with what it holds` });
    last = snapshot;
    if (before?.version !== snapshot.version) await copy.write(snapshot).catch((error: unknown) => logger.warn({ detail: messageOf(error) }, 'the copy of the resources is old'));
    return snapshot;
  };

  return {
    ...store,
    async read() {
      let snapshot: ResourceSnapshot;
      try {
        snapshot = await store.read();
      } catch (error) {
        const before = last === undefined ? await known() : undefined;
        if (before === undefined) throw error;
        logger.warn({ detail: messageOf(error) }, 'the shared store is away; the bridge runs with the resources that this replica saw last');
        return before;
      }
      return keep(snapshot);
    },
    async write(changes, version, audit) {
      return keep(await store.write(changes, version, audit));
    },
  };
};
