import { randomBytes } from 'node:crypto';
import { chown, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes the names in a folder durable (fsync of a file does not cover its name). */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
};

/** What root makes, such as by a command beside a daemon with a user of its own, belongs to the owner of the folder: else the daemon could not read it. */
export const giveToOwnerOf = async (folder: string, path: string): Promise<void> => {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await chown(path, uid, gid);
};

const writeDraft = async (path: string, text: string): Promise<void> => {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Replaces a file in one step for its readers, also when the power fails in between; only its owner may read it. Resolves when durable. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const draft = `${path}.${randomBytes(4).toString('hex')}.draft`;
  try {
    await writeDraft(draft, text);
    await giveToOwnerOf(dirname(path), draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
};
