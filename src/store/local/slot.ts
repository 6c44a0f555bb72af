import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BridgeError, messageOf } from '../../errors.js';

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** Writes a new identity under a name of its own, then links it into place: whoever links first wins, and nobody sees half a file. */
const create = async (path: string): Promise<void> => {
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(4).toString('hex')}\n`);
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
};

const read = async (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });

const readOrCreate = async (dataDir: string, path: string): Promise<string> => {
  await mkdir(dataDir, { recursive: true });
  let text = await read(path);
  if (text === undefined) {
    await create(path);
    text = await read(path);
  }
  return text?.trim() ?? '';
};

/**
 * The lasting identity of a data directory, 8 hex digits, made on first use. It names the MQTT client ids, so a successor on the same data
 * takes over the sessions of its predecessor at AWS.
 * @throws BridgeError `store_corrupt` when the file holds something else, `store_unavailable` when it cannot be read or made.
 */
export const slotOf = async (dataDir: string): Promise<string> => {
  const path = join(dataDir, 'slot');
  const slot = await readOrCreate(dataDir, path).catch((cause: unknown) => {
    throw new BridgeError('store_unavailable', { detail: `${path} cannot be read or made: ${messageOf(cause)}`, cause });
  });
  if (!/^[0-9a-f]{8}$/.test(slot)) throw new BridgeError('store_corrupt', { detail: `${path} must hold 8 hexadecimal digits; remove it to get a new identity` });
  return slot;
};
