import { fieldError } from '../../errors.js';
import type { CommonFields, Position } from '../../messages/message.js';
import { merged, present, restOf } from '../entries.js';
import { numberField, pathOf, required, textField, timeField, type Fields, type Instant } from '../fields.js';
import { readDevice } from './device-info.js';
import { readRadio } from './radio.js';

export type Identity = Pick<CommonFields, 'deviceId' | 'devEui'>;

/** The DevEUI: exactly 16 hex digits, either case. */
export const deviceIdentity = (body: Fields): Identity => {
  const text = required(textField(body, 'DevEUI'), body, 'DevEUI');
  if (!/^[0-9a-fA-F]{16}$/.test(text)) throw fieldError(pathOf(body, 'DevEUI'), 'must be 16 hexadecimal digits');
  const devEui = text.toLowerCase();
  return { deviceId: devEui, devEui };
};

export const documentTime = (body: Fields): Instant => required(timeField(body, 'Time'), body, 'Time');

/** One text of everything that tells one document of a device from the next; values as they stand in the document. */
export const keyOf = (name: string, body: Fields, keys: readonly string[]): string =>
  [name, ...keys.map((key) => textField(body, key) ?? '')].join('|');

export interface CommonParts {
  readonly identity: Identity;
  readonly instant: Instant;
  /** Keys that the caller reads itself: they are not repeated in `native`. */
  readonly used?: readonly string[];
  readonly native?: Readonly<Record<string, unknown>>;
}

const neverNative = ['-xmlns', 'xmlns', 'Time', 'DevEUI', 'DevAddr'];

/** What every document has; all that nobody reads goes to `native` under its own name. */
export const commonFields = (body: Fields, parts: CommonParts): CommonFields => {
  const radio = readRadio(body);
  const device = readDevice(body);
  const used = new Set([...neverNative, ...radio.used, ...device.used, ...(parts.used ?? [])]);
  const native = merged(merged(restOf(body, used) ?? {}, device.native), parts.native ?? {});
  return present({
    time: parts.instant.iso,
    devAddr: textField(body, 'DevAddr')?.toLowerCase(),
    radio: radio.radio,
    device: device.device,
    native: Object.keys(native).length === 0 ? undefined : native,
    ...parts.identity,
  });
};

export const positionKeys = ['DevLAT', 'DevLON', 'DevAlt', 'DevLocRadius'] as const;

const degrees = (body: Fields, key: string, limit: number): number | undefined => {
  const value = numberField(body, key);
  if (value !== undefined && Math.abs(value) > limit) throw fieldError(pathOf(body, key), `must be from -${limit} to ${limit} degrees`);
  return value;
};

/** The device's position by the network's geolocation; undefined unless both coordinates are there. */
export const devicePosition = (body: Fields): Position | undefined => {
  const latitude = degrees(body, 'DevLAT', 90);
  const longitude = degrees(body, 'DevLON', 180);
  if (latitude === undefined || longitude === undefined) return undefined;
  return present({ latitude, longitude, altitudeM: numberField(body, 'DevAlt'), accuracyM: numberField(body, 'DevLocRadius') });
};
