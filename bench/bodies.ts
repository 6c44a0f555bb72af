import type { NetworkServerKind } from '../src/messages/message.js';
import { sentField, templates } from './load/templates.js';
import type { BodyKind } from './types.js';

/** What makes one uplink unlike all others. */
export interface Uplink {
  /** Index of the device, from 0. */
  readonly device: number;
  /** Frame counter of the device. */
  readonly frame: number;
  /** When it was sent, epoch µs (`nowMicros`). */
  readonly sentMicros: number;
}

export const bodyKinds = Object.keys(templates) as readonly BodyKind[];

export const networkServerOf = (kind: BodyKind): NetworkServerKind => templates[kind].networkServer;

export const contentTypeOf = (kind: BodyKind): string => templates[kind].contentType;

/** What follows `/in/{id}` in the webhook's URL. */
export const webhookSuffixOf = (kind: BodyKind): string => templates[kind].suffix;

const deviceDigits = (device: number): string => device.toString(16).padStart(8, '0');

/** The device id as the bridge tells it: the DevEUI, or for Sigfox the Sigfox id, in lower case. */
export const deviceIdOf = (kind: BodyKind, device: number): string => (kind === 'sigfox' ? deviceDigits(device) : `70b3d5be${deviceDigits(device)}`);

const fields: Readonly<Record<string, (uplink: Uplink) => string>> = {
  device: ({ device }) => deviceDigits(device),
  frame: ({ frame }) => String(frame),
  frameHex: ({ frame }) => frame.toString(16).padStart(12, '0'),
  sent: ({ sentMicros }) => String(sentMicros),
  seconds: ({ sentMicros }) => String(Math.floor(sentMicros / 1_000_000)),
  time: ({ sentMicros }) => `${new Date(sentMicros / 1_000).toISOString().slice(0, 19)}.${String(sentMicros % 1_000_000).padStart(6, '0')}`,
};

type Part = string | ((uplink: Uplink) => string);

/** Every second piece is the name of a field. */
const partsOf = (document: string): readonly Part[] => document.split(/\{\{(\w+)\}\}/).map((piece, index): Part => {
  if (index % 2 === 0) return piece;
  const field = fields[piece];
  if (field === undefined) throw new Error(`a body has no field ${piece}`);
  return field;
});

const parts = new Map(bodyKinds.map((kind) => [kind, partsOf(templates[kind].document)]));

/** The body of a webhook with one uplink, ASCII. */
export const bodyOf = (kind: BodyKind, uplink: Uplink): string => {
  let body = '';
  for (const part of parts.get(kind) ?? []) body += typeof part === 'string' ? part : part(uplink);
  return body;
};

const zero = 0x30;
const nine = 0x39;
/** Between the name of the field and its digits stand `":`, `":"` or `>`. */
const mostBetween = 4;

/** When a published uplink was sent, epoch µs; undefined for a payload that does not say. Works for the payload formats `normalised`, `original` and `unwrapped`, and `decoded` where the body has a decoded payload. */
export const sentMicrosOf = (payload: Buffer): number | undefined => {
  const found = payload.indexOf(sentField, 0, 'latin1');
  if (found < 0) return undefined;
  const isDigit = (index: number): boolean => (payload[index] ?? 0) >= zero && (payload[index] ?? 0) <= nine;
  const begin = found + sentField.length;
  let index = begin;
  while (!isDigit(index) && index < begin + mostBetween) index += 1;
  let micros = 0;
  for (; isDigit(index); index += 1) micros = micros * 10 + (payload[index] ?? 0) - zero;
  return micros === 0 ? undefined : micros;
};
