import { createResources } from '../api/resources/resources.js';
import { declaredResources } from '../api/resources/declared.js';
import type { LoadedConfig } from '../config/load.js';
import { createLogger } from '../log.js';
import { lockDataDir } from '../store/local/data-dir-lock.js';
import { closeResourceStores, openResourceStores } from './open-resources.js';
import { openSecretBox } from './secrets-key.js';

/** Whoever can read the configuration file and the key is the operator. */
const actor = { who: 'command line', role: 'admin', from: 'localhost' } as const;

/**
 * Seals every stored secret with the current key. Resolves with how many resources changed.
 * @throws BridgeError data_dir_in_use while a bridge runs on the data directory; secrets_locked when one cannot be opened, and then nothing changed
 */
export const rekey = async (loaded: LoadedConfig): Promise<number> => {
  const { config } = loaded;
  const logger = createLogger('fatal');
  const lock = config.redis === undefined ? await lockDataDir(config.dataDir) : undefined;
  try {
    const stores = await openResourceStores(config, logger);
    const resources = createResources({ store: stores.resources, box: await openSecretBox(config, logger), declared: declaredResources(loaded), backlog: () => ({ messages: 0, bytes: 0 }), logger });
    try {
      await resources.refresh();
      return await resources.rekey(actor);
    } finally {
      resources.close();
      await closeResourceStores(stores);
    }
  } finally {
    await lock?.release();
  }
};
