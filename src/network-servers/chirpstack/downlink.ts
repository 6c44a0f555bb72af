import type { DeviceAddress, Downlink, SubmitOutcome } from '../../messages/downlink.js';
import { embeddedJson } from '../body-text.js';
import type { DownlinkClient, DownlinkSettings } from '../downlink-client.js';
import { apiUrl, below, checkDevEui, checkLorawan, unsupported } from '../downlink-check.js';
import { isObject } from '../fields.js';
import { grpcRefusal } from '../grpc-answer.js';
import { createHttpClient, type HttpAnswer, type HttpClient, type HttpRequest } from '../http-exchange.js';
import { never, outcomeOf, plainCause, withoutThrowing } from '../submit-outcome.js';

const base64Of = (payload: string | undefined): { data?: string } => (payload === undefined ? {} : { data: Buffer.from(payload, 'hex').toString('base64') });

/** `EnqueueDeviceQueueItemRequest` of ChirpStack 4 (`api/proto/api/device.proto`). */
const body4 = ({ confirmed, fPort, payload, object, validUntil, flush }: Downlink): object => ({
  queueItem: { confirmed, fPort, ...base64Of(payload), ...(object === undefined ? {} : { object }), expiresAt: new Date(validUntil).toISOString() },
  flushQueue: flush,
});

/** The same request of ChirpStack 3 (`as/external/api/deviceQueue.proto`), where the object is JSON in a text. */
const body3 = ({ confirmed, fPort, payload, object }: Downlink): object => ({
  deviceQueueItem: { confirmed, fPort, ...base64Of(payload), ...(object === undefined ? {} : { jsonObject: JSON.stringify(object) }) },
});

/** ChirpStack 4 gives the queue item an id; ChirpStack 3 tells its frame counter, and leaves out 0. */
const idsIn = (document: Readonly<Record<string, unknown>>, api: 'v3' | 'v4'): readonly string[] | undefined => {
  const { id, fCnt = 0 } = document;
  if (api === 'v4') return typeof id === 'string' && id !== '' ? [id] : undefined;
  return typeof fCnt === 'number' || typeof fCnt === 'string' ? [`fCnt:${fCnt}`] : undefined;
};

/** A 2xx without the API's own document came from something else, such as the web interface on another port. */
const readAnswer = (answer: HttpAnswer, api: 'v3' | 'v4', secrets: readonly string[]): SubmitOutcome => {
  if (answer.status >= 300) return grpcRefusal(answer, secrets);
  const document = embeddedJson(answer.body);
  const ids = isObject(document) ? idsIn(document, api) : undefined;
  if (ids !== undefined) return { kind: 'accepted', ids };
  const { code, text } = plainCause(answer, secrets);
  return never('network_server_refused', { ...(code === undefined ? {} : { code }), text: `not an answer of ChirpStack's REST API: ${text}`.slice(0, 300) });
};

/** ChirpStack 3 empties its queue by a request of its own. Until that has worked nothing of the downlink is sent. */
const emptyQueue = async (http: HttpClient, request: HttpRequest, secrets: readonly string[]): Promise<SubmitOutcome | undefined> => {
  const exchange = await http.exchange(request);
  if (exchange.kind === 'answered' && exchange.status < 300) return undefined;
  const outcome = outcomeOf(exchange, (answer) => grpcRefusal(answer, secrets));
  return outcome.kind === 'unknown' ? { ...outcome, kind: 'later', scope: 'network-server', counts: true } : outcome;
};

/** ChirpStack's REST API: of version 4 by its proxy `chirpstack-rest-api`, of version 3 by the application server. @throws config_invalid for a wrong address */
export const createChirpstackDownlinks = (settings: DownlinkSettings): DownlinkClient => {
  const base = settings.url === undefined ? undefined : apiUrl(settings.url.replace(/\/api\/*$/, ''));
  const secrets = settings.apiToken === undefined ? [] : [settings.apiToken];
  const authorization = settings.apiToken === undefined ? {} : { 'grpc-metadata-authorization': `Bearer ${settings.apiToken}` };
  const http = createHttpClient(settings);
  const apiOf = (address: DeviceAddress): 'v3' | 'v4' => settings.api ?? (address['api'] === 'v3' ? 'v3' : 'v4');

  const attempt = async (downlink: Downlink, api: 'v3' | 'v4'): Promise<SubmitOutcome> => {
    if (base === undefined) throw unsupported('no downlink.url is configured');
    const url = below(base, `/api/devices/${encodeURIComponent(downlink.deviceId)}/queue`);
    const end = performance.now() + settings.timeoutMs;
    const notEmptied = api === 'v3' && downlink.flush ? await emptyQueue(http, { method: 'DELETE', url, headers: authorization }, secrets) : undefined;
    if (notEmptied !== undefined) return notEmptied;
    const exchange = await http.exchange({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(api === 'v3' ? body3(downlink) : body4(downlink)),
      timeoutMs: Math.max(1, Math.ceil(end - performance.now())),
    });
    return outcomeOf(exchange, (answer) => readAnswer(answer, api, secrets));
  };

  return {
    delivery: 'submit',
    check: (downlink) => {
      if (base === undefined) throw unsupported('no downlink.url is configured');
      checkDevEui(downlink);
      checkLorawan(downlink);
    },
    idsOf: () => [],
    submit: (downlink, address) => withoutThrowing(() => attempt(downlink, apiOf(address))),
    // An ack event follows only where the device was asked for one.
    reportsAfter: (state, { confirmed }) => state === 'submitted' || confirmed,
    close: () => http.close(),
  };
};
