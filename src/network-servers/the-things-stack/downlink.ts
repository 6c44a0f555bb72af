import type { IncomingHttpHeaders } from 'node:http';
import type { DeviceAddress, Downlink, SubmitOutcome } from '../../messages/downlink.js';
import type { DownlinkClient, DownlinkSettings } from '../downlink-client.js';
import { checkLorawan, unsupported } from '../downlink-check.js';
import { grpcRefusal } from '../grpc-answer.js';
import { createHttpClient, type HttpAnswer } from '../http-exchange.js';
import type { ApiCredentials } from '../network-server.js';
import { outcomeOf, ownCause, plainCause, retryAfterOf, unauthorised, withoutThrowing } from '../submit-outcome.js';
import { present } from '../entries.js';
import { clusterUrl, targetOf } from './downlink-address.js';
import { correlationIdOf, downlinkRequest } from './downlink-request.js';

/** Far above what one network server has of applications. */
const maxKeys = 10_000;

/** The API key that a webhook with one brings in its header, and whose application it opens. */
export const credentialsOf = (application: string | undefined, headers: IncomingHttpHeaders): ApiCredentials | undefined => {
  const apiKey = headers['x-downlink-apikey'];
  return application === undefined || typeof apiKey !== 'string' || apiKey === '' || apiKey.length > 1024 ? undefined : { application, apiKey };
};

interface KeyRing {
  keyOf(application: string): string | undefined;
  learn(credentials: ApiCredentials): void;
}

const createKeyRing = (configured: string | undefined): KeyRing => {
  const keys = new Map<string, string>();
  return {
    keyOf: (application) => configured ?? keys.get(application),
    learn: ({ application, apiKey }) => {
      if (configured === undefined && (keys.has(application) || keys.size < maxKeys)) keys.set(application, apiKey);
    },
  };
};

interface Opened {
  readonly apiKey: string;
  /** With the configured key all applications stand or fall together; a learned key is of one. */
  readonly scope: 'network-server' | 'downlink';
}

const readAnswer = (answer: HttpAnswer, { apiKey, scope }: Opened): SubmitOutcome => {
  if (answer.status < 300) return { kind: 'accepted', ids: [] };
  // 406: the webhook is paused, for its downlinks too. Somebody will let it go on.
  if (answer.status === 406) {
    const cause = { ...plainCause(answer, [apiKey]), text: 'the webhook is paused' };
    return present({ kind: 'later', reason: 'network_server_busy', cause, scope, counts: false, retryAfterMs: retryAfterOf(answer.headers) } as const);
  }
  const outcome = grpcRefusal(answer, [apiKey]);
  return outcome.kind === 'later' && outcome.reason === 'network_server_unauthorised' ? { ...outcome, scope } : outcome;
};

/**
 * The downlinks of The Things Stack's webhooks: pushed behind what waits there, or put in its place (`flush`).
 * @throws config_invalid for a wrong address
 */
export const createTheThingsStackDownlinks = (settings: DownlinkSettings): DownlinkClient => {
  const base = settings.url === undefined ? undefined : clusterUrl(settings.url);
  const ring = createKeyRing(settings.apiToken);
  const http = createHttpClient(settings);
  const scope = settings.apiToken === undefined ? 'downlink' : 'network-server';

  const attempt = async (downlink: Downlink, address: DeviceAddress): Promise<SubmitOutcome> => {
    const { url, application } = targetOf(downlink, address, { base, settings });
    const apiKey = ring.keyOf(application);
    if (apiKey === undefined) return unauthorised(ownCause('network_server_unauthorised', `no webhook of application ${application} brought an API key since the start, and none is configured`), 'downlink');
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
    const exchange = await http.exchange({ method: 'POST', url, headers, body: JSON.stringify(downlinkRequest(downlink)) });
    return outcomeOf(exchange, (answer) => readAnswer(answer, { apiKey, scope }));
  };

  return {
    delivery: 'submit',
    check: (downlink) => {
      if (base === undefined && (settings.allowedHosts ?? []).length === 0) throw unsupported('neither downlink.url nor downlink.allowedHosts is configured');
      checkLorawan(downlink);
      downlinkRequest(downlink);
    },
    idsOf: (downlink) => [correlationIdOf(downlink)],
    submit: (downlink, address) => withoutThrowing(() => attempt(downlink, address)),
    // downlink_ack and downlink_nack follow only where the device was asked for an acknowledgement.
    reportsAfter: (state, { confirmed }) => state === 'submitted' || confirmed,
    learn: (credentials) => ring.learn(credentials),
    close: () => http.close(),
  };
};
