import { bodyStart, damageOf, seal } from './record-encoding.js';

/**
 * The stored form of small things: version (1 byte), CRC-32 of all that follows (4), a time (double, epoch ms), JSON.
 * The time is what a sweep looks at without reading the rest.
 */
const jsonStart = bodyStart + 8;

export const encodeValue = (time: number, content: object): Buffer => {
  const json = JSON.stringify(content);
  const value = Buffer.allocUnsafe(jsonStart + Buffer.byteLength(json));
  value.writeDoubleBE(time, bodyStart);
  value.write(json, jsonStart, 'utf8');
  return seal(value);
};

/** The time of a whole or a swept value; a value cut short counts as long ago. */
export const timeOf = (value: Buffer): number => (value.length < jsonStart ? 0 : value.readDoubleBE(bodyStart));

/** What was stored, or undefined when the value is damaged. */
export const decodeValue = <T>(value: Buffer | undefined): T | undefined =>
  value === undefined || damageOf(value) !== undefined ? undefined : (JSON.parse(value.toString('utf8', jsonStart)) as T);
