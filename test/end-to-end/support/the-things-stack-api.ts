import { apiSecrets, demand, fieldsOf, fPortOf, hexOfBase64, jsonOf, type ApiAnswer, type ApiRequest, type Asked, type Dialect } from './downlink-api.js';

const pathForm = /^\/api\/v3\/as\/applications\/([a-z0-9-]+)\/webhooks\/([a-z0-9-]+)\/devices\/([a-z0-9-]+)\/down\/(push|replace)$/;

/** Devices are registered here under the id that the console proposes. */
export const theThingsStackDeviceId = (devEui: string): string => `eui-${devEui}`;

const fields = new Set(['f_port', 'frm_payload', 'decoded_payload', 'confirmed', 'priority', 'correlation_ids', 'class_b_c', 'confirmed_retry']);
const priorities = new Set(['LOWEST', 'LOW', 'BELOW_NORMAL', 'NORMAL', 'ABOVE_NORMAL', 'HIGH', 'HIGHEST']);

const correlationIdsOf = (value: unknown): readonly string[] => {
  if (value === undefined) return [];
  demand(Array.isArray(value) && value.every((id) => typeof id === 'string' && id.length <= 100), 'correlation_ids must be texts of at most 100 characters');
  return value as string[];
};

const readDownlink = (value: unknown, devEui: string, flush: boolean): Asked => {
  const downlink = fieldsOf(value, 'a downlink');
  const stranger = Object.keys(downlink).find((name) => !fields.has(name));
  demand(stranger === undefined, `unknown field "${stranger ?? ''}"`);
  const { frm_payload: payload, decoded_payload: object, priority = 'LOWEST' } = downlink;
  demand(typeof priority === 'string' && priorities.has(priority), 'priority is unknown');
  const hex = payload === undefined ? undefined : hexOfBase64(payload, 'frm_payload');
  demand((hex?.length ?? 0) <= 510, 'frm_payload must be at most 255 bytes');
  demand(hex !== undefined || object !== undefined, 'neither frm_payload nor decoded_payload');
  return {
    devEui,
    fPort: fPortOf(downlink['f_port'], 233),
    ...(hex === undefined ? { object } : { payload: hex }),
    confirmed: downlink['confirmed'] === true,
    flush,
    correlationIds: correlationIdsOf(downlink['correlation_ids']),
  };
};

const read = (request: ApiRequest): readonly Asked[] => {
  const [, application, webhook, device, action] = pathForm.exec(request.path) ?? [];
  demand(request.method === 'POST' && device !== undefined, 'Not Found', 404);
  demand(request.headers.authorization === `Bearer ${apiSecrets.apiToken}`, 'invalid API key', 401);
  demand(application === apiSecrets.applicationId && webhook === apiSecrets.webhookId, 'webhook not found', 404);
  const [, devEui] = /^eui-([0-9a-f]{16})$/.exec(device ?? '') ?? [];
  demand(devEui !== undefined, 'end device not found', 404);
  const { downlinks } = jsonOf(request);
  demand(Array.isArray(downlinks), 'downlinks must be a list');
  return (downlinks as unknown[]).map((downlink) => readDownlink(downlink, devEui ?? '', action === 'replace'));
};

const failure = (status: number, text: string): ApiAnswer => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify({ code: status === 401 ? 16 : 3, message: `error:pkg/applicationserver/io/web:${text}`, details: [] }),
});

/** The Things Stack's webhook downlinks: push appends, replace takes the place of what waits. */
export const theThingsStackApi: Dialect = { read, failure, success: () => ({ status: 200, body: '' }) };
