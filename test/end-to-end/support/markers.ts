import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Secrets that each hold a text which stands nowhere else. */
export interface Markers {
  /** A new secret of letters, digits and dashes. */
  text(name: string): string;
  /** Takes a secret that somebody else made, such as a PEM key: a piece of its base64 is its marker. */
  adopt(name: string, secret: string): string;
  /** Names of the secrets that stand in clear text in `bytes`, or so that anybody reads them: base64, hex, percent-encoded. */
  foundIn(bytes: Buffer | string): readonly string[];
}

const minLength = 16;

/** What is looked for: of a PEM text a line from its middle, which an escape of line ends leaves whole. */
const coreOf = (secret: string): string => {
  const lines = secret.trim().split('\n');
  return lines.length < 3 ? secret : (lines[Math.floor(lines.length / 2)] ?? secret);
};

/** Base64 of the text as it may stand at any offset in a longer one: the first and last characters depend on their neighbours. */
const base64Forms = (text: string): string[] => [0, 1, 2].map((offset) => Buffer.from(`${'\0'.repeat(offset)}${text}`).toString('base64').slice(Math.ceil((offset * 4) / 3) + 1, -4));

const formsOf = (text: string): Buffer[] => [text, encodeURIComponent(text), Buffer.from(text).toString('hex'), ...base64Forms(text)].map((form) => Buffer.from(form));

export const createMarkers = (): Markers => {
  const forms = new Map<string, readonly Buffer[]>();
  const adopt: Markers['adopt'] = (name, secret) => {
    const core = coreOf(secret);
    if (core.length < minLength || forms.has(name)) throw new Error(`${name} is no good marker`);
    forms.set(name, formsOf(core));
    return secret;
  };
  return {
    adopt,
    text: (name) => adopt(name, `MARK-${name}-${randomBytes(9).toString('hex')}`),
    foundIn(bytes) {
      const place = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
      return [...forms].flatMap(([name, wanted]) => (wanted.some((form) => place.includes(form)) ? [name] : []));
    },
  };
};

/** A private key in PEM of a pair of its own. */
export const newPrivateKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Every file below a folder, with its bytes. */
export const filesIn = async (dir: string): Promise<ReadonlyMap<string, Buffer>> => {
  const found = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(found.map(async (path) => [path, await readFile(path)] as const)));
};

const readKey = async (redis: Redis, key: string): Promise<Buffer> => {
  const of: Readonly<Record<string, () => Promise<unknown>>> = {
    string: () => redis.callBuffer('GET', key),
    list: () => redis.callBuffer('LRANGE', key, 0, -1),
    set: () => redis.callBuffer('SMEMBERS', key),
    zset: () => redis.callBuffer('ZRANGE', key, 0, -1),
    hash: () => redis.callBuffer('HGETALL', key),
    stream: () => redis.callBuffer('XRANGE', key, '-', '+'),
  };
  const type = await redis.type(key);
  // What is used up goes between two questions.
  if (type === 'none') return Buffer.alloc(0);
  const read = of[type];
  if (read === undefined) throw new Error(`${key} is of the type ${type}`);
  const parts = [await read()].flat(10) as (Buffer | null)[];
  return Buffer.concat(parts.flatMap((part) => (part === null ? [] : [part, Buffer.from('\n')])));
};

/** Every key of a Redis with everything that it holds; the name of the key stands in front. */
export const valuesOfRedis = async (url: string): Promise<ReadonlyMap<string, Buffer>> => {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys('*');
    return new Map(await Promise.all(keys.map(async (key) => [key, Buffer.concat([Buffer.from(`${key}\n`), await readKey(redis, key)])] as const)));
  } finally {
    redis.disconnect();
  }
};
