import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResourceSnapshot } from '../../api/ports.js';
import { BridgeError, hasCode } from '../../errors.js';
import { replaceFile } from '../../durable-file.js';

/** The resources as a replica saw them last, kept beside it for a start at which the shared store is away. Their secrets are sealed as they are there. */
export interface SnapshotCopy {
  /** Undefined: none was ever kept. @throws BridgeError store_unavailable */
  read(): Promise<ResourceSnapshot | undefined>;
  /** @throws BridgeError store_unavailable */
  write(snapshot: ResourceSnapshot): Promise<void>;
}

export const openSnapshotCopy = ({ dataDir }: { readonly dataDir: string }): SnapshotCopy => {
  const path = join(dataDir, 'resources-copy.json');
  return {
    async read() {
      try {
        return JSON.parse(await readFile(path, 'utf8')) as ResourceSnapshot;
      } catch (cause) {
        if (hasCode(cause, 'ENOENT')) return undefined;
        throw new BridgeError('store_unavailable', { detail: `${path} cannot be read`, cause });
      }
    },
    async write(snapshot) {
      try {
        await replaceFile(path, `${JSON.stringify(snapshot)}\n`);
      } catch (cause) {
        throw new BridgeError('store_unavailable', { detail: `${path} cannot be written`, cause });
      }
    },
  };
};
