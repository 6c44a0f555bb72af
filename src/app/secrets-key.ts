import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BridgeConfig } from '../config/schema.js';
import { createSecretBox, parseKey, type SecretBox } from '../config/secret-box.js';
import { BridgeError, hasCode } from '../errors.js';
import type { Logger } from '../log.js';

const fileName = 'secrets.key';

/** Made once, for this data directory alone, and readable by its owner alone. */
const makeKeyFile = async (path: string, logger: Logger): Promise<string> => {
  const text = randomBytes(32).toString('base64');
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  logger.warn({ path }, 'made a key that seals the secrets of the API: back it up, or configure secrets.key');
  return text;
};

const readKeyFile = async (path: string, logger: Logger): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return makeKeyFile(path, logger);
    throw new BridgeError('secrets_locked', { detail: `${path} cannot be read`, cause: error });
  }
};

const keyOf = (text: string, where: string): Buffer => {
  const key = parseKey(text);
  if (key === undefined) throw new BridgeError('secrets_locked', { detail: `${where} is no key: 32 bytes in base64, or 64 hex digits` });
  return key;
};

/** Bridges that share a Redis read each other's secrets, so a key of one's own would only seem to work. */
const noKey = (): never => {
  throw new BridgeError('secrets_locked', { detail: 'bridges on Redis share their resources: configure secrets.key, the same for each of them' });
};

const lockedBox: SecretBox = { seal: noKey, open: noKey, isCurrent: () => true };

/**
 * What seals the secrets that the bridge writes: with the configured key, else with one of its own in the data directory.
 * @throws BridgeError secrets_locked
 */
export const openSecretBox = async ({ secrets, redis, dataDir }: Pick<BridgeConfig, 'secrets' | 'redis' | 'dataDir'>, logger: Logger): Promise<SecretBox> => {
  const previousKeys = secrets.previousKeys.map((key, index) => keyOf(key.reveal(), `secrets.previousKeys[${index}]`));
  if (secrets.key !== undefined) return createSecretBox({ key: keyOf(secrets.key.reveal(), 'secrets.key'), previousKeys });
  if (redis !== undefined) return lockedBox;
  const path = join(dataDir, fileName);
  return createSecretBox({ key: keyOf(await readKeyFile(path, logger), path), previousKeys });
};
