import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { BridgeError } from '../errors.js';
import type { TokenProof } from './network-server.js';

/** How a network server proves that a webhook is its own. */
export type Proof =
  | { readonly kind: 'none' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | ({ readonly kind: 'token' } & TokenProof);

/** The checks of one configured network server; each throws or returns nothing. */
export interface RequestProof {
  /** @throws source_not_allowed */
  checkSource(address: string): void;
  /** For kind `token` nothing is checked here: the adapter's `verifyToken` does it once the body is read. @throws unauthenticated */
  checkRequest(headers: IncomingHttpHeaders): void;
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Compares two texts in a time that tells neither their contents nor their lengths: their SHA-256 digests are compared. */
export const constantTimeEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

/**
 * Builds the checks once, at start.
 * @param sources CIDR networks or single addresses; absent means any address, an empty list allows none.
 * @throws config_invalid for a source that is no network, and for an empty secret (which anybody could present).
 */
export const createProof = (proof: Proof, sources?: readonly string[]): RequestProof => {
  const isAllowed = sources === undefined ? undefined : sourceCheck(sources);
  const isProven = requestCheck(proof);
  return {
    checkSource: (address) => {
      if (isAllowed?.(address) === false) throw new BridgeError('source_not_allowed');
    },
    checkRequest: (headers) => {
      if (!isProven(headers)) throw new BridgeError('unauthenticated', { detail: missingProof(proof) });
    },
  };
};

const missingProof = (proof: Proof): string =>
  proof.kind === 'header' ? `header ${proof.name.toLowerCase()} is missing or wrong` : 'header authorization is missing or wrong';

const requestCheck = (proof: Proof): ((headers: IncomingHttpHeaders) => boolean) => {
  switch (proof.kind) {
    case 'none':
      return () => true;
    case 'token':
      requireSecret('key', proof.key);
      return () => true;
    case 'header':
      return secretCheck('value', proof.value, (headers) => headers[proof.name.toLowerCase()]);
    case 'bearer':
      return secretCheck('token', proof.token, (headers) => credentials(headers, 'bearer'));
    case 'basic':
      requireSecret('password', proof.password);
      // A colon would let the user name end early (RFC 7617, 2).
      if (proof.username.includes(':')) throw new BridgeError('config_invalid', { field: 'authenticate.username', detail: 'must not hold a colon' });
      return secretCheck('username', `${proof.username}:${proof.password}`, basicCredentials);
  }
};

/** The presented secret must be one text: a header that came twice proves nothing. */
const secretCheck = (field: string, secret: string, presented: (headers: IncomingHttpHeaders) => string | string[] | undefined) => {
  requireSecret(field, secret);
  const expected = digest(secret);
  return (headers: IncomingHttpHeaders): boolean => {
    const value = presented(headers);
    return typeof value === 'string' && timingSafeEqual(digest(value), expected);
  };
};

const requireSecret = (field: string, secret: string): void => {
  if (secret === '') throw new BridgeError('config_invalid', { field: `authenticate.${field}`, detail: 'must not be empty' });
};

/** What follows the scheme in `Authorization`; the scheme's case does not matter (RFC 9110, 11.1). */
const credentials = (headers: IncomingHttpHeaders, scheme: string): string | undefined => {
  const [given, ...rest] = (headers.authorization ?? '').trim().split(/ +/);
  return given?.toLowerCase() === scheme && rest.length === 1 ? rest[0] : undefined;
};

const basicCredentials = (headers: IncomingHttpHeaders): string | undefined => {
  const encoded = credentials(headers, 'basic');
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
};

const sourceCheck = (sources: readonly string[]): ((address: string) => boolean) => {
  const networks = new BlockList();
  sources.forEach((source, index) => addSource(networks, source, `sources[${index}]`));
  return (address) => {
    const plain = plainAddress(address);
    return isIP(plain) !== 0 && networks.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  };
};

/** An address without zone; an IPv4 address that an IPv6 socket reports as `::ffff:192.0.2.1` in its own form. */
const plainAddress = (address: string): string => {
  const withoutZone = address.split('%')[0] ?? '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(withoutZone);
  return mapped?.[1] ?? withoutZone;
};

const addSource = (networks: BlockList, source: string, field: string): void => {
  const [address = '', prefix, ...more] = source.split('/');
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (version === 0 || more.length > 0 || !(length <= bits)) {
    throw new BridgeError('config_invalid', { field, detail: 'must be an address or a network such as 192.0.2.0/24' });
  }
  networks.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
};
