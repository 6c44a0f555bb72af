import { fieldError } from '../errors.js';
import { integerAt, textAt, wrong, type DocumentObject } from './document.js';

/** Longest correlation id, characters: it comes back in every status. */
export const maxCorrelationId = 128;

/** Application FPorts (LoRaWAN 1.0.4, 4.3.2). */
const fPorts = { min: 1, max: 223 };

export const fPortAt = (at: DocumentObject, key: string): { readonly fPort?: number } => {
  const fPort = integerAt(at, key, fPorts);
  return fPort === undefined ? {} : { fPort };
};

export const checkCorrelationId = (field: string, text: string): string => {
  if (text.length > maxCorrelationId) throw fieldError(field, `must be at most ${maxCorrelationId} characters`);
  return text;
};

/** @throws BridgeError invalid_field where the document names another device than the one it is sent to */
export const checkDevice = (at: DocumentObject, key: string, deviceId: string): void => {
  const named = textAt(at, key);
  if (named !== undefined && named.toLowerCase() !== deviceId.toLowerCase()) wrong(at, key, 'names another device than the one it is sent to');
};
