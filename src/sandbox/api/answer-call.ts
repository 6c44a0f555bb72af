import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { sha256, splitTarget, type Signable } from '../sigv4/canonical-request.js';
import { admitToQuota, authenticate, authorise, beginCall, type Gate } from './admit-call.js';
import { ApiError, invalidRequest } from './api-error.js';
import type { Cloud } from './cloud.js';
import { findOperation } from './find-operation.js';
import type { ApiRequest } from './operation.js';

/** A request as it came over HTTP. */
export interface Call {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer as it goes over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const signableOf = ({ method, target, headers, body }: Call): Signable => ({ method, target, headers, payloadHash: sha256(body) });

const readJson = (body: Buffer): Record<string, unknown> => {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw invalidRequest('The body is not valid JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidRequest('The body is no JSON object.');
  return value as Record<string, unknown>;
};

const answerOf = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID(), ...headers },
  body: JSON.stringify(body),
});

const failureOf = (error: unknown): Answer => {
  if (!(error instanceof ApiError)) throw error;
  return answerOf(error.status, { message: error.message, ...error.members }, { 'x-amzn-errortype': error.code });
};

const serve = async (gate: Gate, cloud: Cloud, call: Call): Promise<object> => {
  const { path, query } = splitTarget(call.target);
  const found = findOperation(call.method, path);
  if (found === undefined) throw new ApiError('UnknownOperationException', `${call.method} ${path} is no operation that the sandbox knows.`);
  const { operation } = found;
  await beginCall(gate, operation.name);
  const key = authenticate(gate, signableOf(call), 'iot');
  admitToQuota(gate, operation.name);
  const request: ApiRequest = { path: found.path, query: new URLSearchParams(query), headers: call.headers, body: readJson(call.body) };
  authorise(gate, { key, action: `iot:${operation.name}`, resources: operation.resources?.(request, cloud) ?? ['*'] });
  return operation.perform(cloud, request);
};

/** Serves one call of the API of AWS IoT Core (REST-JSON): the error's name is in a header, its message in the body. */
export const answerCall = async (gate: Gate, cloud: Cloud, call: Call): Promise<Answer> => {
  try {
    return answerOf(200, await serve(gate, cloud, call));
  } catch (error) {
    return failureOf(error);
  }
};
