import { BridgeError, fieldError } from '../errors.js';
import type { Downlink } from '../messages/downlink.js';

/** FRMPayload of the highest data rates without FOpts (LoRaWAN Regional Parameters RP002, maximum payload size N). */
const maxPayloadBytes = 242;

export const unsupported = (detail: string, field?: string): BridgeError => new BridgeError('downlink_unsupported', field === undefined ? { detail } : { detail, field });

/** The payload must be there as bytes. */
export const requireBytes = (downlink: Downlink, networkServer: string): string => {
  if (downlink.object !== undefined) throw unsupported(`${networkServer} takes bytes only, it has no encoder for objects`, 'payload');
  if (downlink.payload === undefined) throw fieldError('payload', 'is required');
  return downlink.payload;
};

/** What holds for every LoRaWAN network server: FPort 1 to 223 (LoRaWAN 1.0.4, 4.3.2) and a payload that a frame can hold. @throws invalid_field */
export const checkLorawan = ({ fPort, payload, object }: Downlink): void => {
  if (fPort === undefined || !Number.isInteger(fPort) || fPort < 1 || fPort > 223) throw fieldError('fPort', 'must be a whole number from 1 to 223');
  if ((payload === undefined) === (object === undefined)) throw fieldError('payload', 'must be bytes or an object');
  if (payload === undefined) return;
  if (!/^([0-9a-f]{2})*$/i.test(payload)) throw fieldError('payload', 'must be hexadecimal, two digits a byte');
  if (payload.length > maxPayloadBytes * 2) throw fieldError('payload', `must be at most ${maxPayloadBytes} bytes`);
};

/** For network servers that name devices by DevEUI and nothing else. @throws downlink_unsupported */
export const checkDevEui = ({ deviceId }: Downlink): void => {
  if (!/^[0-9a-f]{16}$/i.test(deviceId)) throw unsupported('the network server knows devices by their DevEUI only', 'deviceId');
};

/**
 * The base address of an API.
 * @throws config_invalid for what is no address of HTTP, and for one that holds credentials or a query
 */
export const apiUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wrong = (detail: string): BridgeError => new BridgeError('config_invalid', { field: 'downlink.url', detail });
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw wrong('must be a URL of http or https');
  if (url.username !== '' || url.password !== '') throw wrong('must not hold credentials');
  if (url.search !== '' || url.hash !== '') throw wrong('must not hold a query or a fragment');
  return url;
};

/** The address below a base: `base` without slashes at its end, then `path`. */
export const below = (base: URL, path: string): URL => new URL(base.origin + base.pathname.replace(/\/+$/, '') + path);
