import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Endpoint } from './endpoint.js';

/** Held only by the sockets that use them, so what is no longer configured leaves the memory. */
const contexts = new Map<string, WeakRef<SecureContext>>();

const fingerprint = (texts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('base64');
};

const forgetUnused = (): void => {
  for (const [key, reference] of contexts) if (reference.deref() === undefined) contexts.delete(key);
};

/**
 * The parsed certificate, key and roots of an endpoint, one for all sessions that have the same: a pool and its subscriber would
 * else parse and keep them for each session. AWS IoT Core gives no session tickets (developer guide, "Transport security"), so there is nothing else to share.
 * @throws what OpenSSL says of a certificate or key that it cannot read
 */
export const secureContextOf = ({ ca, auth }: Endpoint): SecureContext => {
  const own = auth.kind === 'certificate' ? { cert: auth.certificate, key: auth.privateKey } : {};
  const key = fingerprint([...(ca ?? []), 'own', ...Object.values(own)]);
  const known = contexts.get(key)?.deref();
  if (known !== undefined) return known;
  forgetUnused();
  const made = createSecureContext({ minVersion: 'TLSv1.2', ...own, ...(ca === undefined ? {} : { ca: [...ca] }) });
  contexts.set(key, new WeakRef(made));
  return made;
};
