import type { FastifyReply } from 'fastify';
import { BridgeError, messageOf, reasons, type BridgeErrorOptions, type Reason, type ReasonRow } from '../errors.js';

/** One wrong field: `path` as in the caller's own document, `configuration.accountPrefix`; `message` begins with a verb and quotes no secret. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** A failure with every wrong field of the request. */
export class FieldsError extends BridgeError {
  constructor(
    reason: Reason,
    readonly errors: readonly FieldProblem[],
    options: BridgeErrorOptions = {},
  ) {
    super(reason, options);
  }
}

/** Problem details (RFC 9457), as the private API answers every failure. */
export interface ApiProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The reason as in the log and the metrics. */
  readonly reason: Reason;
  readonly field?: string;
  readonly errors?: readonly FieldProblem[];
  /** The request, as the log names it. */
  readonly instance: string;
}

/** Statuses of reasons that no webhook is answered with. */
const apiStatus: Partial<Record<Reason, number>> = {
  unknown_device: 404,
  device_not_routed: 409,
  downlink_unsupported: 422,
  downlink_queue_full: 503,
  expired: 422,
  redis_unavailable: 503,
  redis_unsafe: 503,
  registry_forbidden: 502,
  registry_throttled: 503,
  registry_refused: 502,
  registry_unreachable: 502,
  aws_credentials_missing: 502,
};

/** Seconds after which a caller may try again when nothing better is known. */
const retryAfterSeconds: Partial<Record<Reason, number>> = { outbox_full: 30, store_unavailable: 5, redis_unavailable: 5, downlink_queue_full: 30, stopping: 5, registry_throttled: 5 };

/** Errors of the HTTP library by their codes, each with a text that quotes nothing of the request. */
const httpErrors: Readonly<Record<string, readonly [Reason, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'the body is longer than this address takes'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad_request', 'the body is not as long as Content-Length says'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'the body must be JSON: send Content-Type: application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed_body', 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed_body', 'the body is not valid JSON'],
  FST_ERR_BAD_URL: ['bad_request', 'the address is not well encoded'],
  FST_ERR_INVALID_URL: ['bad_request', 'the address is not well encoded'],
};

interface SchemaIssue {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** `/filter/reason` → `filter.reason`, `/ids/0` → `ids[0]`; a missing or unknown key is named itself. */
const pathOf = ({ instancePath, params }: SchemaIssue): string => {
  const key = params['missingProperty'] ?? params['additionalProperty'] ?? params['propertyName'];
  const parts = [...instancePath.split('/').slice(1), ...(typeof key === 'string' ? [key] : [])];
  return parts.map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
};

const issueText = ({ message, params }: SchemaIssue): string => {
  if (typeof params['missingProperty'] === 'string') return 'is required';
  if (typeof params['additionalProperty'] === 'string') return 'is not known here';
  const allowed = params['allowedValues'];
  return Array.isArray(allowed) ? `must be one of ${allowed.join(', ')}` : (message ?? 'is wrong');
};

/** What the schema of a route found wrong: each field once, with the first thing that is wrong about it. */
const schemaError = (issues: readonly SchemaIssue[]): FieldsError => {
  const byPath = new Map<string, FieldProblem>();
  for (const issue of issues) {
    const path = pathOf(issue);
    if (!byPath.has(path)) byPath.set(path, { path, message: issueText(issue) });
  }
  const errors = [...byPath.values()];
  const [first] = errors;
  return new FieldsError('invalid_field', errors, first === undefined ? {} : { detail: first.message, ...(first.path === '' ? {} : { field: first.path }) });
};

const issuesOf = (error: Error): readonly SchemaIssue[] | undefined => ('validation' in error && Array.isArray(error.validation) ? (error.validation as SchemaIssue[]) : undefined);

/** Any failure as a BridgeError: what a schema refused with each field, the HTTP library's own by their codes, the unexpected as an internal error. */
export const asApiError = (error: unknown): BridgeError => {
  if (error instanceof BridgeError) return error;
  if (!(error instanceof Error)) return new BridgeError('internal_error', { cause: error });
  const issues = issuesOf(error);
  if (issues !== undefined) return schemaError(issues);
  const known = 'code' in error ? httpErrors[String(error.code)] : undefined;
  return known === undefined ? new BridgeError('internal_error', { cause: error, detail: messageOf(error) }) : new BridgeError(known[0], { detail: known[1] });
};

export const statusOf = (reason: Reason): number => {
  const row: ReasonRow = reasons[reason];
  return row.httpStatus ?? apiStatus[reason] ?? 500;
};

const fieldErrorsOf = (error: BridgeError): readonly FieldProblem[] | undefined => ('errors' in error && Array.isArray(error.errors) ? (error.errors as FieldProblem[]) : undefined);

/** An internal error tells its title only: the words of an unforeseen error may hold anything. */
export const problemOf = (error: BridgeError, requestId: string): ApiProblem => {
  const { title } = reasons[error.reason];
  const errors = fieldErrorsOf(error);
  return {
    type: `urn:lpwan-aws-bridge:reason:${error.reason}`,
    title,
    status: statusOf(error.reason),
    detail: error.reason === 'internal_error' ? title : error.message,
    reason: error.reason,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(errors === undefined ? {} : { errors }),
    instance: requestId,
  };
};

/** Answers with problem details, with Retry-After where trying again helps. Takes anything that was thrown. */
export const sendApiProblem = (reply: FastifyReply, error: unknown): FastifyReply => {
  const failure = asApiError(error);
  const problem = problemOf(failure, reply.request.id);
  const seconds = failure.retryAfterMs === undefined ? retryAfterSeconds[failure.reason] : Math.ceil(failure.retryAfterMs / 1_000);
  if (seconds !== undefined) void reply.header('retry-after', seconds);
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
};
