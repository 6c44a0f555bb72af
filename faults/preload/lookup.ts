import dns, { type LookupAddress } from 'node:dns';
import { readSwitch } from './read-switch.js';

/**
 * While the switch `lookup` is on, no host name resolves: `dns.lookup` fails with the code that the switch holds (ENOTFOUND: the name is not
 * there; EAI_AGAIN: no name server answers). `net.connect` asks `dns.lookup` at each connect. Addresses need no look-up and go on.
 */
type Callback = (error: NodeJS.ErrnoException | null, address?: string | LookupAddress[], family?: number) => void;
type Lookup = (hostname: string, ...rest: unknown[]) => void;

const resolve = dns.lookup as Lookup;
const isAddress = (hostname: string): boolean => /^[\d.]+$/.test(hostname) || hostname.includes(':');

const lookup: Lookup = (hostname, ...rest) => {
  const code = isAddress(hostname) ? undefined : readSwitch('lookup');
  if (code === undefined) return resolve(hostname, ...rest);
  const callback = rest.at(-1) as Callback;
  const error = Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: 'getaddrinfo', hostname });
  setImmediate(() => callback(error));
};

Object.assign(dns, { lookup });
