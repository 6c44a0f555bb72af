import type { IncomingHttpHeaders } from 'node:http';

/** The downlink APIs that network servers have; ChirpStack's two versions differ. */
export type DownlinkApi = 'thingpark' | 'the-things-stack' | 'chirpstack' | 'chirpstack-v3';

export const downlinkApis: readonly DownlinkApi[] = ['thingpark', 'the-things-stack', 'chirpstack', 'chirpstack-v3'];

export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** As received, without `?`. */
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What one request asks for, in the same words for every API. */
export interface Asked {
  /** 16 lower-case hex digits. */
  readonly devEui: string;
  readonly fPort: number;
  /** Lower-case hex; absent when an object is to be encoded. */
  readonly payload?: string;
  readonly object?: unknown;
  readonly confirmed: boolean;
  readonly flush: boolean;
  /** Ids that the bridge gave it; empty where the API takes none. */
  readonly correlationIds: readonly string[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

/** One API as its vendor's server speaks it. */
export interface Dialect {
  /** The request as the server understands it. @throws ApiRefusal where the real one would refuse it */
  read(request: ApiRequest): readonly Asked[];
  /** `id` and `fCnt` are the server's own names of the downlink. */
  success(id: string, fCnt: number): ApiAnswer;
  failure(status: number, text: string): ApiAnswer;
}

/** The request breaks the API, or its credentials are wrong. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Made-up credentials, which tests look for in logs, too. */
export const apiSecrets = { asId: 'TWA_100045678.77.AS', asKey: 'a1b2c3d4e5f60718293a4b5c6d7e8f90', apiToken: 'secret-api-token', applicationId: 'city-parking', webhookId: 'aws-bridge' } as const;

/** @throws ApiRefusal 400 with the text when the condition does not hold */
export const demand = (condition: boolean, text: string, status = 400): void => {
  if (!condition) throw new ApiRefusal(status, text);
};

export const fieldsOf = (value: unknown, name: string): Readonly<Record<string, unknown>> => {
  demand(typeof value === 'object' && value !== null && !Array.isArray(value), `${name} must be an object`);
  return value as Readonly<Record<string, unknown>>;
};

export const jsonOf = ({ headers, body }: ApiRequest): Readonly<Record<string, unknown>> => {
  demand(/^application\/json\b/.test(headers['content-type'] ?? ''), 'the Content-Type must be application/json', 415);
  try {
    return fieldsOf(JSON.parse(body), 'the body');
  } catch {
    throw new ApiRefusal(400, 'the body must be a JSON object');
  }
};

/** Strict base64 to lower-case hex. */
export const hexOfBase64 = (value: unknown, name: string): string => {
  demand(typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value, `${name} must be base64`);
  return Buffer.from(value as string, 'base64').toString('hex');
};

export const fPortOf = (value: unknown, highest: number): number => {
  demand(Number.isInteger(value) && (value as number) >= 1 && (value as number) <= highest, `the FPort must be from 1 to ${highest}`);
  return value as number;
};
