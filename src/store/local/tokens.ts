import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { StoredToken, TokenStore } from '../../api/ports.js';
import { BridgeError, messageOf } from '../../errors.js';
import { createInTurn } from '../../in-turn.js';
import { lockBriefly } from './data-dir-lock.js';
import { replaceFile } from '../../durable-file.js';

export interface TokenFileOptions {
  /** The tokens are in `<dataDir>/tokens.json`. */
  readonly dataDir: string;
}

/** How long the file is not looked at again, ms. */
const freshMs = 1_000;
const sha256Hex = /^[0-9a-f]{64}$/;

const tokenSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  role: z.enum(['read', 'operate', 'admin']),
  hash: z.string().regex(sha256Hex),
  createdAt: z.number(),
  expiresAt: z.number().exactOptional(),
});
const fileSchema = z.object({ tokens: z.array(tokenSchema) });

/** What a file held when it was read, and how to see that it is still the same one. */
interface Contents {
  readonly mark: string;
  readonly tokens: readonly StoredToken[];
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

const refuse = (path: string, cause: unknown): BridgeError => new BridgeError('store_unavailable', { detail: `${path} cannot be read: ${messageOf(cause)}`, cause });

/** A new file has another inode, so one that was replaced within the same tick of the clock is noticed too. */
const markOf = async (path: string): Promise<string> => {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (cause) {
    if (isMissing(cause)) return 'missing';
    throw refuse(path, cause);
  }
};

/** The words of what is wrong name keys of the file and never what stands there. */
const parse = (path: string, text: string): readonly StoredToken[] => {
  const damaged = (what: string): BridgeError =>
    new BridgeError('store_unavailable', { detail: `${path} is damaged (${what}), so no token is accepted: put a copy from a backup in its place, or remove it to begin without tokens` });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw damaged('it is not JSON');
  }
  const result = fileSchema.safeParse(content);
  if (!result.success) throw damaged(`wrong at ${result.error.issues[0]?.path.join('.') || 'the top'}`);
  return result.data.tokens;
};

const read = async (path: string): Promise<Contents> => {
  const mark = await markOf(path);
  if (mark === 'missing') return { mark, tokens: [] };
  try {
    return { mark, tokens: parse(path, await readFile(path, 'utf8')) };
  } catch (cause) {
    if (isMissing(cause)) return { mark: 'missing', tokens: [] };
    throw cause instanceof BridgeError ? cause : refuse(path, cause);
  }
};

/**
 * The tokens of a data directory, in a file that the daemon and the command line change at the same time without harm: each change is made under a lock,
 * on what the file holds then. A file that is damaged lets nobody in, rather than everybody's token be unknown without a word.
 */
export const openTokenFile = ({ dataDir }: TokenFileOptions): TokenStore => {
  const path = join(dataDir, 'tokens.json');
  const inTurn = createInTurn();
  let known: Contents | undefined;
  let checkedAt = -Infinity;
  let checking: Promise<readonly StoredToken[]> | undefined;

  const keep = (contents: Contents): readonly StoredToken[] => {
    known = contents;
    checkedAt = performance.now();
    return contents.tokens;
  };

  const check = async (): Promise<readonly StoredToken[]> => {
    if (known !== undefined && (await markOf(path)) === known.mark) return keep(known);
    known = undefined;
    return keep(await read(path));
  };

  const current = async (): Promise<readonly StoredToken[]> => {
    if (known !== undefined && performance.now() - checkedAt < freshMs) return known.tokens;
    checking ??= check().finally(() => { checking = undefined; });
    return checking;
  };

  const underLock = async <T>(change: (tokens: readonly StoredToken[]) => { readonly tokens?: readonly StoredToken[]; readonly result: T }): Promise<T> => {
    const lock = await lockBriefly(dataDir, 'tokens.lock');
    try {
      const { tokens, result } = change((await read(path)).tokens);
      if (tokens !== undefined) {
        await replaceFile(path, `${JSON.stringify({ tokens }, undefined, 2)}\n`);
        keep({ mark: await markOf(path), tokens });
      }
      return result;
    } finally {
      await lock.release();
    }
  };

  /** @throws BridgeError store_unavailable */
  const change: typeof underLock = (make) =>
    inTurn('change', async () => {
      try {
        await mkdir(dataDir, { recursive: true, mode: 0o700 });
        return await underLock(make);
      } catch (cause) {
        throw cause instanceof BridgeError ? cause : new BridgeError('store_unavailable', { detail: `${path} cannot be written: ${messageOf(cause)}`, cause });
      }
    });

  return {
    list: current,
    find: async (hash) => (await current()).find((token) => token.hash === hash),
    add: (token) => change((tokens) => ({ tokens: [...tokens.filter(({ id }) => id !== token.id), token], result: undefined })),
    remove: (id) =>
      change((tokens) => {
        const left = tokens.filter((token) => token.id !== id);
        return left.length === tokens.length ? { result: false } : { tokens: left, result: true };
      }),
    close: async () => undefined,
  };
};
