import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { BridgeError } from '../errors.js';

/**
 * Seals texts with AES-256-GCM under a random 96-bit IV (NIST SP 800-38D, 8.2.2: safe for 2^32 texts of one key, far more than a
 * bridge ever seals). The context is authenticated with the text, so that a sealed secret cannot be moved to another place.
 */
export interface SecretBox {
  /** `v1.<key id>.<IV>.<cipher text and tag>`, the last two in base64url. */
  seal(text: string, context: string): string;
  /** @throws BridgeError secrets_locked: the key is not here, the text was changed, or it belongs to another context */
  open(sealed: string, context: string): string;
  /** Whether it is sealed with the current key. */
  isCurrent(sealed: string): boolean;
}

export interface SecretKeys {
  /** 32 bytes. */
  readonly key: Buffer;
  /** For opening only, while `rekey` has not run yet. */
  readonly previousKeys: readonly Buffer[];
}

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const form = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

/** Names a key without telling anything of it: the first 8 hex digits of its SHA-256. */
const keyIdOf = (key: Buffer): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

/** A key as it is written: base64 or base64url of 32 bytes, or 64 hex digits; undefined where it is neither. */
export const parseKey = (text: string): Buffer | undefined => {
  const written = text.trim();
  if (/^[0-9a-f]{64}$/i.test(written)) return Buffer.from(written, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(written)) return undefined;
  const key = Buffer.from(written, 'base64');
  return key.length === keyBytes ? key : undefined;
};

const locked = (detail: string): never => {
  throw new BridgeError('secrets_locked', { detail });
};

const openWith = (key: Buffer, iv: Buffer, body: Buffer, context: string): string => {
  const decipher = createDecipheriv(cipher, key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(context));
  decipher.setAuthTag(body.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(body.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    return locked('a sealed secret was changed or moved');
  }
};

/** @throws RangeError when a key is not 32 bytes long */
export const createSecretBox = ({ key, previousKeys }: SecretKeys): SecretBox => {
  const keys = [key, ...previousKeys];
  if (keys.some(({ length }) => length !== keyBytes)) throw new RangeError('a key must be 32 bytes long');
  const byId = new Map(keys.map((one) => [keyIdOf(one), one]));
  const currentId = keyIdOf(key);
  return {
    seal(text, context) {
      const iv = randomBytes(ivBytes);
      const sealing = createCipheriv(cipher, key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(context));
      const body = Buffer.concat([sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()]);
      return `v1.${currentId}.${iv.toString('base64url')}.${body.toString('base64url')}`;
    },
    open(sealed, context) {
      const [, id, iv, body] = form.exec(sealed) ?? [];
      if (id === undefined || iv === undefined || body === undefined) return locked('a sealed secret is damaged');
      const sealedWith = byId.get(id);
      if (sealedWith === undefined) return locked(`the key ${id} is not configured`);
      return openWith(sealedWith, Buffer.from(iv, 'base64url'), Buffer.from(body, 'base64url'), context);
    },
    isCurrent: (sealed) => form.exec(sealed)?.[1] === currentId,
  };
};
