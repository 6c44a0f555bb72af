import { createHash } from 'node:crypto';
import { apiSecrets, demand, type ApiRequest, type Asked, type Dialect } from './downlink-api.js';

const path = '/thingpark/lrc/rest/downlink';

const known = new Set(['DevEUI', 'FPort', 'Payload', 'FCntDn', 'AFCntDn', 'Confirmed', 'FlushDownlinkQueue', 'ValidityTime', 'RetryIneligibleGateways', 'AS_ID', 'Time', 'CorrelationID', 'Token']);

/** Furthest that `Time` may be from the LRC's clock, ms; a setting of the AS profile there. */
const maxDeviationMs = 300_000;

/** `+` is a space in a query, as Java servers read it: a time zone must be sent as `%2B`. */
const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

const parametersOf = (rawQuery: string): ReadonlyMap<string, string> =>
  new Map(rawQuery.split('&').map((part) => [decode(part.slice(0, part.indexOf('='))), decode(part.slice(part.indexOf('=') + 1))]));

/** SHA-256 of the whole query in the order sent, decoded, without Token, followed by the key. */
const verifyToken = (parameters: ReadonlyMap<string, string>): void => {
  const signed = [...parameters].filter(([name]) => name !== 'Token').map(([name, value]) => `${name}=${value}`).join('&');
  const token = createHash('sha256').update(`${signed}${apiSecrets.asKey}`).digest('hex');
  demand(parameters.get('AS_ID') === apiSecrets.asId, 'AS_ID is unknown', 403);
  demand(parameters.get('Token') === token, 'Security check failed', 403);
  const time = Date.parse(parameters.get('Time') ?? '');
  demand(Math.abs(time - Date.now()) <= maxDeviationMs, 'Time is too far from now', 403);
};

const flag = (value: string | undefined, name: string): boolean => {
  demand(value === undefined || value === '0' || value === '1', `${name} must be 0 or 1`);
  return value === '1';
};

const read = ({ method, path: called, rawQuery, headers, body }: ApiRequest): readonly Asked[] => {
  demand(method === 'POST' && called === path, 'no such resource', 404);
  demand(headers['content-type'] === 'application/x-www-form-urlencoded' && body === '', 'a form without a body is expected', 415);
  const parameters = parametersOf(rawQuery);
  const stranger = [...parameters.keys()].find((name) => !known.has(name));
  demand(stranger === undefined, `parameter ${stranger ?? ''} is unknown`);
  verifyToken(parameters);
  const text = (name: string): string => parameters.get(name) ?? '';
  demand(/^[0-9A-Fa-f]{16}$/.test(text('DevEUI')), 'DevEUI must be 16 hexadecimal digits');
  demand(/^\d{1,3}$/.test(text('FPort')) && Number(text('FPort')) >= 1 && Number(text('FPort')) <= 224, 'FPort must be from 1 to 224');
  demand(/^([0-9A-Fa-f]{2})*$/.test(text('Payload')), 'Payload must be hexadecimal');
  demand(/^([0-9A-Fa-f]{16})?$/.test(text('CorrelationID')), 'CorrelationID must be 16 hexadecimal digits');
  return [{
    devEui: text('DevEUI').toLowerCase(),
    fPort: Number(text('FPort')),
    payload: text('Payload').toLowerCase(),
    confirmed: flag(parameters.get('Confirmed'), 'Confirmed'),
    flush: flag(parameters.get('FlushDownlinkQueue'), 'FlushDownlinkQueue'),
    correlationIds: parameters.has('CorrelationID') ? [text('CorrelationID')] : [],
  }];
};

const html = (status: number, text: string) => ({ status, contentType: 'text/html', body: `<html><body>${text}</body></html>` });

/** ThingPark's LRC: everything in the query, signed with the LRC-AS key; the text of the answer says whether it was taken. */
export const thingparkApi: Dialect = {
  read,
  success: () => html(200, 'Request queued by LRC'),
  failure: html,
};
