import { isIP } from 'node:net';
import { BridgeError, messageOf } from '../../errors.js';
import { connectCluster, connectRedis, reconnectMs, type ClientOptions, type HostPort, type RedisClient } from './redis-client.js';
import { connectSentinel, type SentinelReach } from './sentinel.js';

/** Where Redis is, and how it lets us in. */
export interface RedisReach {
  /** `redis://` or `rediss://`, with user and password where Redis asks for them. With `sentinel` its host is the name of the primary, with `cluster` it is one more node. */
  readonly url: string;
  /** Certificate authority of the server, PEM; the system's own by default. */
  readonly ca?: string | Buffer;
  /** The Sentinels that know which Redis is the primary. */
  readonly sentinel?: SentinelReach;
  /** Nodes of a Redis Cluster; any of them tells the others. */
  readonly cluster?: readonly HostPort[];
}

export interface RedisAddress {
  /** A client of its own, which connects at once and again by itself. */
  connect(own: ClientOptions): RedisClient;
  /** The message of an error without the passwords, which Redis may repeat from a command that it did not understand. */
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

/** What holds for every connection, wherever it leads. */
const optionsOf = ({ username, password, pathname }: URL): ClientOptions => ({
  db: Number(pathname.slice(1)),
  ...(username === '' ? {} : { username: decoded(username) }),
  ...(password === '' ? {} : { password: decoded(password) }),
  // AUTH instead of HELLO … AUTH: a server that does not know HELLO repeats its arguments in the error.
  protocol: 2,
  connectTimeout: 3_000,
  disconnectTimeout: 500,
  // Its command would need a right of its own, which servers before 7.2 do not know.
  disableClientInfo: true,
  // After a failover the connection may still lead to the former primary. A script tells it in the middle of its own error.
  reconnectOnError: (error) => error.message.includes('READONLY'),
  retryStrategy: reconnectMs,
});

const passwordsOf = ({ password }: URL, sentinelPassword = ''): readonly string[] =>
  [...new Set([password, decoded(password), sentinelPassword])].filter((secret) => secret !== '');

/**
 * How to connect to the Redis of a URL, to the primary that Sentinels name, or to a cluster.
 * @throws BridgeError config_invalid
 */
export const redisAddressOf = ({ url: text, ca, sentinel, cluster }: RedisReach): RedisAddress => {
  const url = parsed(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const node: HostPort = { host, port: url.port === '' ? 6379 : Number(url.port) };
  const options = optionsOf(url);
  const trust = ca === undefined ? {} : { ca };
  const secured = url.protocol === 'rediss:' ? { ...options, tls: trust } : options;
  const secrets = passwordsOf(url, sentinel?.password);
  return {
    connect(own) {
      if (sentinel !== undefined) return connectSentinel({ ...sentinel, primary: decoded(host), trust }, { ...secured, ...own });
      if (cluster !== undefined) return connectCluster([node, ...cluster], { ...secured, ...own });
      // The name goes to the server too (SNI); an address may not.
      const tls = secured.tls === undefined ? {} : { tls: { ...trust, ...(isIP(host) === 0 ? { servername: host } : {}) } };
      return connectRedis(node, { ...options, ...tls, ...own });
    },
    describe: (error) => secrets.reduce((message, secret) => message.replaceAll(secret, '[redacted]'), messageOf(error)),
  };
};
