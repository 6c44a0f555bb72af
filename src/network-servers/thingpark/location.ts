import { required, type Fields } from '../fields.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, deviceIdentity, devicePosition, documentTime, keyOf, positionKeys } from './common-fields.js';

/** DevEUI_location: the network's own geolocation. */
export const readLocation = (body: Fields): ParsedMessage => {
  const identity = deviceIdentity(body);
  const instant = documentTime(body);
  const position = devicePosition(body);
  const missingKey = body.value.DevLAT === undefined ? 'DevLAT' : 'DevLON';
  return {
    fields: { type: 'location', ...commonFields(body, { identity, instant, used: positionKeys }), position: required(position, body, missingKey) },
    idempotencyKey: keyOf('location', body, ['Time', 'DevLocTime', 'DevUlFCntUpUsed']),
    eventTimeMs: instant.ms,
  };
};
