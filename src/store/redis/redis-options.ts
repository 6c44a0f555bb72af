import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { backoffMs } from '../../backoff.js';
import { BridgeError, messageOf } from '../../errors.js';

/** Options of one client; how replies are mapped stays the default. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export interface RedisAddress {
  readonly options: ClientOptions;
  /** The message of an error without the password, which Redis may repeat from a command that it did not understand. */
  describe(error: unknown): string;
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

const parsed = (text: string): URL => {
  try {
    const url = new URL(text);
    if (/^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^\/?\d*$/.test(url.pathname)) return url;
  } catch {
    // Said below, without the text: it may hold a password.
  }
  throw new BridgeError('config_invalid', { field: 'redis.url', detail: 'must look like redis://[user:password@]host[:port][/database], or rediss:// for TLS' });
};

/**
 * What ioredis needs to reach the Redis of a URL.
 * @throws BridgeError config_invalid
 */
export const redisAddressOf = ({ url, ca }: { readonly url: string; readonly ca?: string | Buffer }): RedisAddress => {
  const { protocol, hostname, port, username, password, pathname } = parsed(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const secrets = [...new Set([password, decoded(password)])].filter((secret) => secret !== '');
  return {
    options: {
      host,
      port: port === '' ? 6379 : Number(port),
      db: Number(pathname.slice(1)),
      ...(username === '' ? {} : { username: decoded(username) }),
      ...(password === '' ? {} : { password: decoded(password) }),
      ...(protocol === 'rediss:' ? { tls: { ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === undefined ? {} : { ca }) } } : {}),
      // AUTH instead of HELLO … AUTH: a server that does not know HELLO repeats its arguments in the error.
      protocol: 2,
      connectTimeout: 3_000,
      disconnectTimeout: 500,
      // After a failover the connection may still lead to the former primary.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: (times) => backoffMs({ minMs: 100, maxMs: 1_000 }, times),
    },
    describe: (error) => secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), messageOf(error)),
  };
};
