import { BridgeError } from '../../errors.js';

const entityTag = /^(?:W\/)?"([^"]*)"$/;

/**
 * Checks If-Match (RFC 9110, 13.1.1): a list of ETags, or `*`. A weak one counts as well, because a proxy that compresses answers
 * weakens their ETags; ours name the version of the resource, whatever its bytes. Without the header the last writer wins.
 * @throws BridgeError resource_changed
 */
export const checkIfMatch = (header: string | undefined, revision: string): void => {
  if (header === undefined || header.trim() === '*') return;
  const wanted = header.split(',').map((tag) => entityTag.exec(tag.trim())?.[1]);
  if (!wanted.includes(revision)) throw new BridgeError('resource_changed', { detail: `its ETag is "${revision}"` });
};
