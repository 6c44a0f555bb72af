import { createHash } from 'node:crypto';
import { reportsOf, type Webhook } from './reports.js';

/** Kinds of network servers. */
export type Kind = 'thingpark' | 'the-things-stack' | 'chirpstack' | 'sigfox';
/** Ways in which they prove themselves. */
export type Way = 'header' | 'basic' | 'bearer' | 'token';

/** A network server of one kind with one way of proof, and what it sends. */
export interface MarkedServer {
  readonly id: string;
  readonly kind: Kind;
  readonly way: Way;
  readonly device: string;
  secret: string;
}

export const kinds: readonly Kind[] = ['thingpark', 'the-things-stack', 'chirpstack', 'sigfox'];
/** `token` is for ThingPark only. */
export const ways: readonly Way[] = ['header', 'basic', 'bearer', 'token'];

/** `authenticate` of its document. */
export const authentication = (way: Way, secret: string): object =>
  ({ header: { header: { name: 'x-api-key', value: secret } }, basic: { basic: { username: 'factory', password: secret } }, bearer: { bearer: secret }, token: { token: { key: secret } } })[way];

const proofHeaders = (way: Way, secret: string): Readonly<Record<string, string>> =>
  ({ header: { 'x-api-key': secret }, basic: { authorization: `Basic ${Buffer.from(`factory:${secret}`).toString('base64')}` }, bearer: { authorization: `Bearer ${secret}` }, token: {} })[way];

let lastCounter = 0;

const sigfoxUplink = (device: string): Webhook => ({ path: '/data/uplink', body: { device: device.toUpperCase(), time: String(1_700_000_000 + lastCounter), data: '0d1f00a67e', seqNumber: String(lastCounter) } });

/** The query with ThingPark's Token for what is in the body. */
const signedQuery = ({ body }: Webhook, key: string): string => {
  const fields = (body as { readonly DevEUI_uplink: Readonly<Record<string, unknown>> }).DevEUI_uplink;
  const query = `LrnDevEui=${String(fields['DevEUI'])}&LrnFPort=2&LrnInfos=TWA_1&AS_ID=TWA_1&Time=2026-03-02T07:15:01.100`;
  const elements = ['CustomerID', 'DevEUI', 'FPort', 'FCntUp', 'payload_hex'].map((name) => String(fields[name])).join('');
  return `?${query}&Token=${createHash('sha256').update(elements + query + key).digest('hex')}`;
};

/** A new uplink, with `secret` as its proof. */
export const uplinkOf = ({ kind, way, device }: MarkedServer, secret: string): Webhook => {
  lastCounter += 1;
  const webhook = kind === 'sigfox' ? sigfoxUplink(device) : reportsOf[kind].uplink(device, lastCounter);
  const path = way === 'token' ? signedQuery(webhook, secret) : webhook.path;
  return { ...webhook, path, headers: { ...webhook.headers, ...proofHeaders(way, secret) } };
};
