import { apiSecrets, demand, fieldsOf, fPortOf, hexOfBase64, jsonOf, type ApiAnswer, type ApiRequest, type Asked, type Dialect } from './downlink-api.js';

const pathForm = /^\/api\/devices\/([0-9a-fA-F]{16})\/queue$/;

const deviceOf = (request: ApiRequest): string => {
  const [, devEui] = pathForm.exec(request.path) ?? [];
  demand(devEui !== undefined && (request.method === 'POST' || request.method === 'DELETE'), 'Not Found', 404);
  demand(request.headers['grpc-metadata-authorization'] === `Bearer ${apiSecrets.apiToken}`, 'authentication failed: invalid token', 401);
  return (devEui ?? '').toLowerCase();
};

/** The gateway between REST and gRPC refuses fields that its messages do not have. */
const onlyKnown = (message: Readonly<Record<string, unknown>>, known: readonly string[]): void => {
  const stranger = Object.keys(message).find((name) => !known.includes(name));
  demand(stranger === undefined, `unknown field "${stranger ?? ''}"`);
};

const payloadOf = (data: unknown, object: unknown): Pick<Asked, 'payload' | 'object'> => {
  demand(data !== undefined || object !== undefined, 'neither data nor an object');
  return data === undefined ? { object } : { payload: hexOfBase64(data, 'data') };
};

const readVersion4 = (request: ApiRequest): readonly Asked[] => {
  const devEui = deviceOf(request);
  if (request.method === 'DELETE') return [];
  const body = jsonOf(request);
  onlyKnown(body, ['queueItem', 'flushQueue']);
  const asked = fieldsOf(body['queueItem'], 'queueItem');
  onlyKnown(asked, ['confirmed', 'fPort', 'data', 'object', 'isEncrypted', 'fCntDown', 'expiresAt']);
  const { expiresAt } = asked;
  demand(expiresAt === undefined || (typeof expiresAt === 'string' && !Number.isNaN(Date.parse(expiresAt))), 'expiresAt must be a time');
  return [{ devEui, fPort: fPortOf(asked['fPort'], 255), ...payloadOf(asked['data'], asked['object']), confirmed: asked['confirmed'] === true, flush: body['flushQueue'] === true, correlationIds: [] }];
};

const readVersion3 = (request: ApiRequest): readonly Asked[] => {
  const devEui = deviceOf(request);
  if (request.method === 'DELETE') return [];
  const body = jsonOf(request);
  onlyKnown(body, ['deviceQueueItem']);
  const asked = fieldsOf(body['deviceQueueItem'], 'deviceQueueItem');
  onlyKnown(asked, ['confirmed', 'data', 'devEUI', 'fCnt', 'fPort', 'jsonObject']);
  const { jsonObject } = asked;
  const object: unknown = typeof jsonObject === 'string' && jsonObject !== '' ? JSON.parse(jsonObject) : undefined;
  return [{ devEui, fPort: fPortOf(asked['fPort'], 255), ...payloadOf(asked['data'], object), confirmed: asked['confirmed'] === true, flush: false, correlationIds: [] }];
};

const json = (status: number, value: object): ApiAnswer => ({ status, contentType: 'application/json', body: JSON.stringify(value) });

const failure = (status: number, text: string): ApiAnswer => json(status, { error: text, code: status === 401 ? 16 : 3, message: text, details: [] });

/** ChirpStack 4 behind chirpstack-rest-api: the answer names the downlink. */
export const chirpstackApi: Dialect = { read: readVersion4, failure, success: (id) => json(200, { id }) };

/** ChirpStack 3: the answer tells the frame counter, and nothing else names the downlink afterwards. */
export const chirpstackVersion3Api: Dialect = { read: readVersion3, failure, success: (_id, fCnt) => json(200, { fCnt }) };
