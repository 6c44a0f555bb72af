import { lookup } from 'node:dns/promises';
import type { Redis } from 'ioredis';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a Sentinel publishes once it takes another server for the primary: the name, the former host and port, the new host and port. */
const channel = '+switch-master';

const newPrimary = (message: string, primary: string): Address | undefined => {
  const [name, , , host, port] = message.split(' ');
  return name === primary && host !== undefined ? { host, port: Number(port) } : undefined;
};

const leadsTo = async (client: Redis, { host, port }: Address): Promise<boolean> => {
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
export const leaveFormerPrimary = (client: Redis, primary: string, sentinels: readonly Redis[]): (() => void) => {
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
