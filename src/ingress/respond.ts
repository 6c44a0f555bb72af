import type { FastifyReply } from 'fastify';
import { BridgeError, messageOf, reasons, type Reason, type ReasonRow } from '../errors.js';

/** Seconds a network server is asked to wait when nothing better is known; a full outbox takes longest to change. */
const retryAfterSeconds: Partial<Record<Reason, number>> = { outbox_full: 30, store_unavailable: 5, stopping: 5 };

/** Problem details (RFC 9457): the one form of every error answer. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The reason as in the log and the metrics. */
  readonly reason: Reason;
  /** The wrong field, where there is one. */
  readonly field?: string;
  /** The request, as the log names it. */
  readonly instance: string;
}

const httpErrors: Readonly<Record<string, Reason>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_BAD_URL: 'bad_request',
};

/** Any failure as a BridgeError: the HTTP library's own by their codes, the unexpected as an internal error that tells nothing. */
export const asBridgeError = (error: unknown): BridgeError => {
  if (error instanceof BridgeError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = httpErrors[code] ?? 'internal_error';
  return new BridgeError(reason, { cause: error, ...(reason === 'internal_error' ? {} : { detail: messageOf(error) }) });
};

export const problemOf = (error: BridgeError, requestId: string): Problem => {
  const row: ReasonRow = reasons[error.reason];
  return {
    type: `urn:lpwan-aws-bridge:reason:${error.reason}`,
    title: row.title,
    status: row.httpStatus ?? 500,
    detail: error.message,
    reason: error.reason,
    ...(error.field === undefined ? {} : { field: error.field }),
    instance: requestId,
  };
};

/** Answers with problem details, and with Retry-After where trying again helps. */
export const sendProblem = (reply: FastifyReply, error: BridgeError): FastifyReply => {
  const problem = problemOf(error, reply.request.id);
  const seconds = error.retryAfterMs === undefined ? retryAfterSeconds[error.reason] : Math.ceil(error.retryAfterMs / 1_000);
  if (seconds !== undefined) void reply.header('retry-after', seconds);
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
};
