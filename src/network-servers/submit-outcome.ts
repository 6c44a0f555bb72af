import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import { BridgeError, messageOf, type Reason } from '../errors.js';
import type { DownlinkCause, SubmitOutcome } from '../messages/downlink.js';
import { present } from './entries.js';
import type { HttpAnswer, HttpExchange } from './http-exchange.js';

const maxText = 300;
/** A longer wish is nonsense, or as good as none: the downlink's validity ends before. */
const maxRetryAfterMs = 86_400_000;

const redacted = '[redacted]';
/** Of a query, and of JSON or a header; there a short word is more likely to be part of a sentence such as `token: expired`. */
const secretParameters = [
  /\b(token|api[-_]?key|authorization|password)(=)[^\s&"'<>,;]+/gi,
  /\b(token|api[-_]?key|authorization|password)(["']?\s*:\s*["']?)[^\s&"'<>,;]{12,}/gi,
  /\b(Bearer|Basic)(\s+)[^\s"'<>,;]{8,}/gi,
];

/** What a stranger wrote, as one short line: without markup, and without our own credentials, which an answer may quote. */
export const plainText = (text: string, secrets: readonly string[] = []): string => {
  const line = text.replace(/<(style|script|head)\b[\s\S]*?<\/\1\s*>/gi, ' ').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();
  const known = secrets.filter((secret) => secret !== '').reduce((rest, secret) => rest.replaceAll(secret, redacted), line);
  const clean = secretParameters.reduce((rest, pattern) => rest.replace(pattern, `$1$2${redacted}`), known);
  return clean.length <= maxText ? clean : `${clean.slice(0, maxText - 1)}…`;
};

/** Seconds or an HTTP date (RFC 9110, 10.2.3); The Things Stack says it in `x-rate-limit-retry`, in whole seconds cut down. */
export const retryAfterOf = (headers: IncomingHttpHeaders, now = Date.now()): number | undefined => {
  const rateLimit = headers['x-rate-limit-retry'];
  const text = headers['retry-after'] ?? (typeof rateLimit === 'string' && /^\d+$/.test(rateLimit) ? String(Number(rateLimit) + 1) : undefined);
  if (text === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxRetryAfterMs);
};

/** Refused for good, for a reason of the bridge or of the network server. */
export const never = (reason: Reason, cause: DownlinkCause): SubmitOutcome => ({ kind: 'never', reason, cause });

/** A failure of the bridge's own finding, so that its code is the reason. */
export const ownCause = (reason: Reason, text: string): DownlinkCause => ({ code: reason, text });

/** Nobody is let in: only the validity time bounds the waiting. */
export const unauthorised = (cause: DownlinkCause, scope: 'network-server' | 'downlink' = 'network-server'): SubmitOutcome =>
  ({ kind: 'later', reason: 'network_server_unauthorised', cause, scope, counts: false });

/** The status as code and the body as text, where the API has no error document of its own. */
export const plainCause = ({ status, body }: HttpAnswer, secrets: readonly string[]): DownlinkCause => {
  const text = plainText(body, secrets);
  return { code: String(status), text: text === '' ? (STATUS_CODES[status] ?? 'no text') : text };
};

/** What an answer other than 2xx means, by its status alone. */
export const refusalOf = ({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>, cause: DownlinkCause): SubmitOutcome => {
  if (status === 401 || status === 403) return unauthorised(cause);
  if (status < 500 && status !== 408 && status !== 425 && status !== 429) return never('network_server_refused', cause);
  return present({ kind: 'later', reason: 'network_server_busy', cause, scope: 'network-server', counts: true, retryAfterMs: retryAfterOf(headers) } as const);
};

/** What an exchange means; `read` is asked only for an answer. */
export const outcomeOf = (exchange: HttpExchange, read: (answer: HttpAnswer) => SubmitOutcome): SubmitOutcome => {
  switch (exchange.kind) {
    case 'answered':
      return read(exchange);
    case 'unsent':
      return { kind: 'later', reason: 'network_server_unreachable', cause: ownCause('network_server_unreachable', exchange.detail), scope: 'network-server', counts: false };
    case 'unanswered':
      return { kind: 'unknown', reason: 'network_server_timeout', cause: ownCause('network_server_timeout', exchange.detail) };
  }
};

/** Runs an attempt whose request may be impossible to make: an exception becomes an outcome. */
export const withoutThrowing = async (attempt: () => Promise<SubmitOutcome>): Promise<SubmitOutcome> => {
  try {
    return await attempt();
  } catch (error) {
    const cause = (reason: Reason): DownlinkCause => ownCause(reason, plainText(messageOf(error)));
    if (error instanceof BridgeError) return never(error.reason, cause(error.reason));
    return { kind: 'later', reason: 'internal_error', cause: cause('internal_error'), scope: 'downlink', counts: true };
  }
};
