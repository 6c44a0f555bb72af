import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';

/** `localhost`, 127.0.0.0/8 (RFC 1122, 3.2.1.3), ::1 (RFC 4291, 2.5.3), and 127.0.0.0/8 as an IPv4-mapped address. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);

/** The name in a Host header without its port: `[::1]:9090` → `::1`. */
const hostName = (host: string): string => host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1').toLowerCase();

/** Headers that a proxy adds: behind one, everybody seems to call from loopback. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

const isSameOrigin = (origin: string, host: string): boolean => origin === `http://${host}` || origin === `https://${host}`;

/** What a browser tells about the page that asks (Fetch Metadata Request Headers): `none` is the person's own hand. */
const harmlessSites: ReadonlySet<unknown> = new Set([undefined, 'same-origin', 'none']);

const strangeHeaders = (headers: IncomingHttpHeaders): string | undefined => {
  const host = headers.host?.toLowerCase() ?? '';
  const proxy = proxyHeaders.find((name) => headers[name] !== undefined);
  // A page of another site whose name was made to resolve to 127.0.0.1 (DNS rebinding) carries its own name here.
  if (!isLoopback(hostName(host))) return 'the Host header is not the name of this machine itself';
  if (headers.origin !== undefined && !isSameOrigin(headers.origin.toLowerCase(), host)) return 'a web page of another origin sent it';
  if (!harmlessSites.has(headers['sec-fetch-site'])) return 'a web page of another site sent it';
  return proxy === undefined ? undefined : `it came through a proxy (${proxy})`;
};

/**
 * Why a request to a listener on loopback may not be the operator's own, although it comes from this machine; undefined when it may be trusted.
 * A web page in the operator's browser can send requests to localhost too, and a proxy sends those of everybody.
 */
export const distrust = (request: FastifyRequest): string | undefined =>
  isLoopback(request.raw.socket.remoteAddress ?? '') ? strangeHeaders(request.headers) : 'it does not come from this machine';
