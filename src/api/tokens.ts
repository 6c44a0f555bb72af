import { createHash, randomBytes } from 'node:crypto';
import type { Role, StoredToken } from './ports.js';

/** `lpb_` so that scanners for leaked secrets find it; 43 base64url characters are 256 bits. */
const tokenForm = /^lpb_[A-Za-z0-9_-]{43}$/;

/** Longest name of a token, characters. */
export const maxTokenName = 64;

export const roles: readonly Role[] = ['read', 'operate', 'admin'];

/** Whether a role may do what another role may: each includes those before it. */
export const reaches = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed);

/** A new token. It is shown to its owner once and never kept. */
export const makeToken = (): string => `lpb_${randomBytes(32).toString('base64url')}`;

/** SHA-256, hex: what is kept of a token. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** False for what cannot be a token of ours, so that no store is asked for it. */
export const looksLikeToken = (text: string): boolean => tokenForm.test(text);

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** Epoch ms; absent: until it is removed. */
  readonly expiresAt?: number;
}

/** A token for its owner, and what the store keeps of it. */
export const issueToken = ({ name, role, expiresAt }: NewToken): { readonly token: string; readonly stored: StoredToken } => {
  const token = makeToken();
  const stored = { id: randomBytes(8).toString('hex'), name, role, hash: hashToken(token), createdAt: Date.now(), ...(expiresAt === undefined ? {} : { expiresAt }) };
  return { token, stored };
};
