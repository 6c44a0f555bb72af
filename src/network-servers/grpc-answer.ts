import type { DownlinkCause, SubmitOutcome } from '../messages/downlink.js';
import { embeddedJson } from './body-text.js';
import { isObject } from './fields.js';
import type { HttpAnswer } from './http-exchange.js';
import { plainCause, plainText, refusalOf } from './submit-outcome.js';

/** Status codes of gRPC (grpc.github.io/grpc/core/md_doc_statuscodes.html), by their numbers. */
const names = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
] as const;

/** The HTTP status that stands for a code, where it decides what happens next: a proxy in between may have changed the answer's own. */
const statuses: Readonly<Partial<Record<(typeof names)[number], number>>> = {
  UNAUTHENTICATED: 401, PERMISSION_DENIED: 403, NOT_FOUND: 404, RESOURCE_EXHAUSTED: 429, UNAVAILABLE: 503,
};

/** The name of the first error in `details`, as The Things Stack fills it. */
const detailName = (details: unknown): string | undefined => {
  const named: unknown = Array.isArray(details) ? details.find((detail) => isObject(detail) && typeof detail['name'] === 'string') : undefined;
  return isObject(named) && typeof named['name'] === 'string' ? named['name'] : undefined;
};

const messageIn = (document: Readonly<Record<string, unknown>>): string => {
  const text = document['message'] ?? document['error'];
  return typeof text === 'string' ? text : '';
};

/** Reads the refusal of an API behind grpc-gateway: `{ code, message, details }`; anything else by its HTTP status. */
export const grpcRefusal = (answer: HttpAnswer, secrets: readonly string[]): SubmitOutcome => {
  const document = embeddedJson(answer.body);
  if (!isObject(document)) return refusalOf(answer, plainCause(answer, secrets));
  const code = document['code'];
  const name = typeof code === 'number' && code > 0 ? names[code] : undefined;
  const text = plainText(messageIn(document), secrets);
  const cause: DownlinkCause = { code: detailName(document['details']) ?? name ?? String(answer.status), text: text === '' ? (name ?? 'no text') : text };
  return refusalOf({ headers: answer.headers, status: (name === undefined ? undefined : statuses[name]) ?? answer.status }, cause);
};
