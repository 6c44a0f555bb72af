import type { IncomingHttpHeaders } from 'node:http';
import type { ApiOperationName } from '../api-limits.js';
import type { Cloud } from './cloud.js';

/** A call, taken apart. */
export interface ApiRequest {
  /** Members that stand in the path, by their name in `Operation.path`. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The JSON object of the body; `{}` without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** One row of the API's table. */
export interface Operation {
  readonly name: ApiOperationName;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With members in braces: `/things/{thingName}`. */
  readonly path: string;
  /** What IAM is asked about, without the ARN's head; absent: an operation that knows only `*` (Service Authorization Reference). */
  readonly resources?: (request: ApiRequest, cloud: Cloud) => readonly string[];
  /** The members of the answer. @throws ApiError */
  readonly perform: (cloud: Cloud, request: ApiRequest) => object | Promise<object>;
}
