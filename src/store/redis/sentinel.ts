import { lookup } from 'node:dns/promises';
import { Redis } from 'ioredis';
import { connectRedis, reconnectMs, type ClientOptions, type HostPort } from './redis-client.js';

/** How the Sentinels are reached; they have users and certificates of their own. */
export interface SentinelReach {
  readonly addresses: readonly HostPort[];
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

interface SentinelTarget extends SentinelReach {
  /** Name of the primary among those that the Sentinels watch. */
  readonly primary: string;
  readonly trust: { readonly ca?: string | Buffer };
}

/** A Sentinel that does not answer for so long is left for the next one, ms. */
const sentinelTimeoutMs = 1_500;

/** What a Sentinel publishes once it takes another server for the primary: the name, the former host and port, the new host and port. */
const channel = '+switch-master';

const newPrimary = (message: string, primary: string): HostPort | undefined => {
  const [name, , , host, port] = message.split(' ');
  return name === primary && host !== undefined ? { host, port: Number(port) } : undefined;
};

const leadsTo = async (client: Redis, { host, port }: HostPort): Promise<boolean> => {
  // There is none before the first connect.
  const stream = client.stream as Redis['stream'] | undefined;
  if (stream?.remotePort !== port) return false;
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.some(({ address }) => address === stream.remoteAddress);
};

/**
 * Leaves a server as soon as a Sentinel says that another one is the primary now, so that nothing is written to a former primary that goes on or comes to
 * itself. Every Sentinel says it when it hears of it, some hundred ms apart; a later one ends no connection that leads to the new primary already. Nor does
 * a failover of another name. ioredis' own detector ends the connection in both cases.
 * @returns ends the connections to the Sentinels
 */
const leaveFormerPrimary = (client: Redis, primary: string, sentinels: readonly Redis[]): (() => void) => {
  const heard = async (message: string): Promise<void> => {
    const now = newPrimary(message, primary);
    if (now !== undefined && !(await leadsTo(client, now))) client.disconnect(true);
  };
  for (const sentinel of sentinels) {
    // Without one of them the others tell, and it is connected again.
    sentinel.on('error', () => undefined);
    sentinel.on('ready', () => { sentinel.subscribe(channel).catch(() => undefined); });
    sentinel.on('message', (_channel, message) => { void heard(message); });
  }
  return () => { for (const sentinel of sentinels) sentinel.disconnect(); };
};

/** Pause before a client that was ended by a failover is connected anew, ms. */
const againMs = 500;

/** A failover in the middle of a connect ends a client for good, as if somebody had asked for it; only who did may end it. `ended` follows then. */
const untilDisconnected = (client: Redis, ended: () => void): Redis => {
  const disconnect = client.disconnect.bind(client);
  let wanted = false;
  client.disconnect = (reconnect = false) => {
    wanted ||= !reconnect;
    disconnect(reconnect);
    if (wanted) ended();
  };
  client.on('end', () => {
    setTimeout(() => {
      if (!wanted && client.status === 'end') void client.connect().catch(() => undefined);
    }, againMs).unref();
  });
  return client;
};

/** One for each Sentinel, to listen to. */
const sentinelClients = ({ addresses, username, password, tls, trust }: SentinelTarget): Redis[] =>
  addresses.map((address) => connectRedis(address, {
    protocol: 2,
    disableClientInfo: true,
    connectTimeout: 3_000,
    enableReadyCheck: false,
    autoResubscribe: false,
    maxRetriesPerRequest: null,
    retryStrategy: reconnectMs,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: trust } : {}),
  }));

/** Asks the Sentinels for the primary at each connect; a server that says it is none is not taken. With `failoverDetector` it is left once they name another. */
export const connectSentinel = (target: SentinelTarget, { failoverDetector = false, ...options }: ClientOptions): Redis => {
  const { addresses, username, password, tls, primary, trust } = target;
  const client = new Redis({
    ...options,
    sentinels: addresses.map(({ host, port }) => ({ host, port })),
    name: primary,
    role: 'master',
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(tls ? { sentinelTLS: trust } : {}),
    enableTLSForSentinelMode: options.tls !== undefined,
    sentinelCommandTimeout: sentinelTimeoutMs,
    sentinelRetryStrategy: reconnectMs,
    // Only those that are configured: what Sentinels tell of each other is often an address inside of their own network.
    updateSentinels: false,
  });
  return untilDisconnected(client, failoverDetector ? leaveFormerPrimary(client, primary, sentinelClients(target)) : () => undefined);
};
