import type { IncomingHttpHeaders } from 'node:http';
import { fieldError } from '../../errors.js';
import { hexField, objectField, textField, type Fields } from '../fields.js';
import type { WebhookRequest } from '../network-server.js';

/** Who a message is about, from the first place that says so. */
export interface EndDevice {
  /** The DevEUI, else The Things Stack's `device_id`, which is unique within its application only. */
  readonly deviceId: string;
  readonly name: string | undefined;
  readonly applicationId: string | undefined;
  readonly devEui: string | undefined;
  readonly joinEui: string | undefined;
  readonly devAddr: string | undefined;
}

/** One place that may name the device, in the words of The Things Stack's body. */
interface IdSource {
  readonly deviceId?: string | undefined;
  readonly applicationId?: string | undefined;
  readonly devEui?: string | undefined;
  readonly joinEui?: string | undefined;
  readonly devAddr?: string | undefined;
}

/**
 * The device of a message. A field mask of the webhook may cut `end_device_ids` out of the body; each id that is missing is taken
 * from the query (the RFC 6570 variables of the webhook's URL, as `?devEUI=…&deviceID=…`), then from the header `X-Downlink-Push`.
 * @throws invalid_field `end_device_ids` when no place names the device
 */
export const readEndDevice = (root: Fields, request: WebhookRequest): EndDevice => {
  const sources = [idsOfBody(root), idsOfQuery(request.rawQuery), idsOfPushUrl(request.headers)];
  const first = (key: keyof IdSource): string | undefined => sources.find((source) => source[key] !== undefined)?.[key];
  const devEui = first('devEui');
  const name = first('deviceId');
  const deviceId = devEui ?? name;
  if (deviceId === undefined) throw fieldError('end_device_ids', 'must name the device; else the query (devEUI, deviceID) or X-Downlink-Push must');
  return { deviceId, name, applicationId: first('applicationId'), devEui, joinEui: first('joinEui'), devAddr: first('devAddr') };
};

const idsOfBody = (root: Fields): IdSource => {
  const ids = objectField(root, 'end_device_ids');
  if (ids === undefined) return {};
  const application = objectField(ids, 'application_ids');
  return {
    deviceId: textField(ids, 'device_id'),
    applicationId: application === undefined ? undefined : textField(application, 'application_id'),
    devEui: hexField(ids, 'dev_eui', { bytes: 8 }),
    joinEui: hexField(ids, 'join_eui', { bytes: 8 }),
    devAddr: hexField(ids, 'dev_addr', { bytes: 4 }),
  };
};

/** Each variable has a second name kept from The Things Network v2. */
const idsOfQuery = (rawQuery: string): IdSource => {
  if (rawQuery === '') return {};
  const query: Fields = { path: 'query', value: Object.fromEntries(new URLSearchParams(rawQuery)) };
  return {
    deviceId: textField(query, 'deviceID') ?? textField(query, 'devID'),
    applicationId: textField(query, 'applicationID') ?? textField(query, 'appID'),
    devEui: hexField(query, 'devEUI', { bytes: 8 }),
    joinEui: hexField(query, 'joinEUI', { bytes: 8 }) ?? hexField(query, 'appEUI', { bytes: 8 }),
    devAddr: hexField(query, 'devAddr', { bytes: 4 }),
  };
};

const pushUrl = /\/as\/applications\/([^/?#]+)\/webhooks\/[^/?#]+\/devices\/([^/?#]+)\/down\/push/;

/** Both ids are of `[a-z0-9-]` only, so the URL holds them unescaped. The URL is read here, never called. */
const idsOfPushUrl = (headers: IncomingHttpHeaders): IdSource => {
  const header = headers['x-downlink-push'];
  const match = typeof header === 'string' ? pushUrl.exec(header) : null;
  return match === null ? {} : { applicationId: match[1], deviceId: match[2] };
};
