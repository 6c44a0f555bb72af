import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BridgeError } from '../errors.js';
import type { Logger } from '../log.js';
import type { BridgeEvent, NoteEvent } from '../messages/bridge-event.js';
import type { NetworkServerAdapter, NetworkServerSettings, ParsedMessage, TokenProof, WebhookRequest } from '../network-servers/network-server.js';
import type { RequestProof } from '../network-servers/proof.js';
import type { IngressMetrics } from './metrics.js';
import { createRefusalLog } from './refusal-log.js';
import { asBridgeError, sendProblem } from './respond.js';
import type { TakeMessages } from './take-messages.js';
import { createTogether } from './together.js';

/** A configured network server as its webhook needs it. */
export interface WebhookSource {
  readonly id: string;
  readonly adapter: NetworkServerAdapter;
  readonly proof: RequestProof;
  readonly token?: TokenProof;
  readonly settings: NetworkServerSettings;
  /** Who keeps the API key that webhooks of The Things Stack bring; absent where it comes from the configuration. */
  readonly learn?: (credentials: { readonly application: string; readonly apiKey: string }) => void;
  /** Challenge of a 401 (RFC 9110, 11.6.1). */
  readonly challenge: string;
}

export interface WebhookOptions {
  readonly sources: ReadonlyMap<string, WebhookSource>;
  readonly take: TakeMessages;
  /** Most webhooks that go into one append; see `createTogether`. */
  readonly mostTogether: number;
  readonly metrics: IngressMetrics;
  readonly note: NoteEvent;
  readonly logger: Logger;
  /** Told of each connection that brought a message. */
  readonly trust: (socket: Socket) => void;
}

type WebhookHttpRequest = FastifyRequest<{ Params: { id: string; '*'?: string } }>;

/** At 1,000 messages a second four go through together. */
const gather = { gatherMs: 4, enough: 8 };

const noBody = Buffer.alloc(0);

/** What network servers post. */
const json = 'application/json';
const usualTypes = [json, 'application/xml', 'text/xml', 'application/x-www-form-urlencoded'];

/** Ids in `x-message-id`: a batch may hold thousands of messages, and proxies take 4 KB of headers, clients 8 or 16. */
const mostIds = 100;

const mediaTypeOf = ({ headers }: FastifyRequest): string => {
  const type = headers['content-type'];
  // What nearly every webhook brings.
  if (type === json) return type;
  return (type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
};

const webhookRequest = (request: WebhookHttpRequest): WebhookRequest => {
  const { url } = request.raw;
  const start = url?.indexOf('?') ?? -1;
  const rest = request.params['*'];
  return {
    method: request.method,
    path: rest === undefined || rest === '' ? '' : `/${rest}`,
    rawQuery: start < 0 ? '' : (url?.slice(start + 1) ?? ''),
    headers: request.headers,
    mediaType: mediaTypeOf(request),
    body: Buffer.isBuffer(request.body) ? request.body : noBody,
  };
};

/** A request without a body has no media type to check. */
const hasBody = (request: FastifyRequest): boolean => request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;

/** A media type is told up to here, characters: the detail goes into the answer, the log and an event. */
const longestMediaType = 100;

/** What can be checked before the body is read: who calls, with which method and media type. */
const admit = (source: WebhookSource, request: WebhookHttpRequest, reply: FastifyReply): void => {
  const { adapter, proof } = source;
  if (!adapter.methods.includes(request.method)) {
    void reply.header('allow', adapter.methods.join(', '));
    throw new BridgeError('method_not_allowed', { detail: `${adapter.kind} calls with ${adapter.methods.join(', ')}` });
  }
  proof.checkSource(request.ip);
  proof.checkRequest(request.headers);
  const mediaType = mediaTypeOf(request);
  if (hasBody(request) && !adapter.mediaTypes.includes(mediaType)) throw new BridgeError('unsupported_media_type', { detail: `${adapter.kind} posts ${adapter.mediaTypes.filter(Boolean).join(', ')}, not ${mediaType === '' ? 'a body without Content-Type' : mediaType.slice(0, longestMediaType)}` });
};

/** A sender that breaks off in the middle of its body, or is too slow with it, is no fault of the bridge. */
const failureOf = (error: unknown, { raw }: FastifyRequest): BridgeError => {
  const brokeOff = !raw.complete && error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
  return brokeOff ? new BridgeError('bad_request', { detail: 'the request broke off' }) : asBridgeError(error);
};

/** Credentials of the network server's API that came with a webhook that proved itself. */
const learn = ({ adapter, learn: keep }: WebhookSource, document: unknown, request: WebhookRequest): void => {
  const credentials = keep === undefined ? undefined : adapter.credentials?.(document, request);
  if (credentials !== undefined) keep?.(credentials);
};

/** Reads, checks the Token, parses: the body becomes messages, or an error that names the field. */
const parse = (source: WebhookSource, request: WebhookRequest): ParsedMessage[] => {
  const { adapter, settings, token } = source;
  const document = adapter.read(request, settings);
  if (token !== undefined) adapter.verifyToken?.(document, request, token);
  const messages = adapter.parse(document, request, settings);
  learn(source, document, request);
  return messages;
};

/** The text of an unforeseen error may hold anything, so that only its reason is told. */
const refusedEvent = (id: string, { reason, message }: BridgeError): BridgeEvent => ({
  subject: { kind: 'network-server', id },
  time: Date.now(),
  level: 'warning',
  text: 'webhook refused',
  reason,
  ...(reason === 'internal_error' ? {} : { detail: message }),
});

/** The webhook routes: `/in/{networkServerId}` and everything below it. */
export const registerWebhooks = (app: FastifyInstance, { sources, take, mostTogether, metrics, note, logger, trust }: WebhookOptions): void => {
  const logRefusal = createRefusalLog(logger);
  const together = createTogether({ ...gather, most: mostTogether });

  const sourceOf = (request: FastifyRequest): WebhookSource => {
    const source = sources.get((request.params as { id?: string }).id ?? '');
    if (source === undefined) throw new BridgeError('unknown_route', { detail: 'no network server with this id is configured' });
    return source;
  };

  const refuse = (request: FastifyRequest, reply: FastifyReply, error: BridgeError): FastifyReply => {
    const source = sources.get((request.params as { id?: string } | undefined)?.id ?? '');
    if (source !== undefined) {
      const count = Math.max(1, request.messageCount);
      metrics.received(source.id, count);
      metrics.rejected(source.id, error.reason, count);
      note(refusedEvent(source.id, error));
      if (error.reason === 'unauthenticated') void reply.header('www-authenticate', source.challenge);
    }
    logRefusal(source?.id ?? '', error, request.id);
    return sendProblem(reply, error);
  };

  const receive = async (request: WebhookHttpRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const source = sourceOf(request);
    const webhook = webhookRequest(request);
    const parsed = parse(source, webhook);
    request.messageCount = parsed.length;
    const { receipt, answer } = await take({ id: source.id, kind: source.adapter.kind }, source.adapter, { messages: parsed, body: webhook.body });
    trust(request.raw.socket);
    metrics.received(source.id, parsed.length);
    metrics.answered(source.id, reply.elapsedTime / 1_000);
    const ids = receipt.messages.slice(0, mostIds).map(({ id }) => id).join(' ');
    if (logger.isLevelEnabled('debug')) logger.debug({ network_server: source.id, message_id: ids, duplicates: receipt.messages.filter(({ duplicate }) => duplicate).length, request_id: request.id }, 'webhook accepted');
    void reply.code(answer?.status ?? 204).header('x-message-id', ids);
    return answer?.body === undefined ? reply.send() : reply.type(answer.contentType ?? 'application/json').send(answer.body);
  };

  const receiveTogether = async (request: WebhookHttpRequest, reply: FastifyReply): Promise<FastifyReply> => {
    try {
      await together.enter();
      return await receive(request, reply);
    } finally {
      together.leave();
    }
  };

  app.decorateRequest('messageCount', 0);
  app.removeAllContentTypeParsers();
  // Types that Fastify knows by name are found in its cache; for others it reads the header anew each time.
  for (const type of [...usualTypes, '*']) app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => refuse(request, reply, failureOf(error, request)));
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, new BridgeError('unknown_route')));
  for (const url of ['/in/:id', '/in/:id/*']) {
    app.all<{ Params: { id: string; '*'?: string } }>(url, {
      onRequest(request, reply, done) {
        let refusal: BridgeError | undefined;
        try {
          admit(sourceOf(request), request, reply);
        } catch (error) {
          refusal = asBridgeError(error);
        }
        done(refusal);
      },
      handler: receiveTogether,
    });
  }
};

declare module 'fastify' {
  interface FastifyRequest {
    /** How many messages the document held, once that is known. */
    messageCount: number;
  }
}
