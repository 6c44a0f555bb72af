import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../src/errors.js';
import type { FileMaker } from './stage-options.js';
import type { Stage } from './stage.js';

const run = promisify(execFile);

/** A disk of its own, a tmpfs, under the data directory of a row's bridge. */
export interface SmallDisk {
  /** Free bytes. */
  free(): Promise<number>;
  /** Writes a file beside the data directory that takes all room but so many bytes. */
  fill(leave: number): Promise<void>;
  /** Removes that file. */
  empty(): Promise<void>;
  readOnly(isReadOnly: boolean): Promise<void>;
}

/** What a row says in its options, and what it then finds on the stage. */
export interface SmallDiskOfRow {
  readonly file: FileMaker;
  /** Undefined, with a remark, where this process may not mount. */
  find(stage: Stage): SmallDisk | undefined;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const diskIn = (dir: string): SmallDisk => {
  const ballast = join(dir, 'ballast');
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  };
  return {
    free,
    fill: async (leave) => writeFile(ballast, Buffer.alloc(Math.max(0, (await free()) - leave))),
    empty: () => rm(ballast, { force: true }),
    readOnly: async (isReadOnly) => void (await run('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, dir])),
  };
};

/** A disk of so many MB for the bridge of one row, gone with the stage. */
export const smallDisk = (megabytes: number): SmallDiskOfRow => {
  let disk: SmallDisk | undefined;
  let refusal = '';
  return {
    async file(_replica, onClose) {
      disk = undefined;
      const dir = await mkdtemp(join(tmpdir(), 'bridge-disk-'));
      onClose(() => rm(dir, { recursive: true, force: true }));
      try {
        await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'bridge-disk', dir]);
      } catch (error) {
        refusal = lastLine(messageOf(error));
        return {};
      }
      // Lazily: what a killed process had open may still be closing.
      onClose(() => run('umount', ['--lazy', dir]));
      disk = diskIn(dir);
      return { dataDir: join(dir, 'data') };
    },
    find(stage) {
      if (disk === undefined) stage.remark(`NOT RUN, because mounting a small disk takes root: ${refusal}`);
      return disk;
    },
  };
};
