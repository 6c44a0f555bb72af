/**
 * Golden fixtures: one webhook in, its messages (or its error) out.
 *
 *   test/fixtures/<kind>/<name>.<ext>            the request, byte for byte; the extension says what it is:
 *       .json  POST, application/json                     .xml    POST, application/xml
 *       .form  POST, application/x-www-form-urlencoded    .txt    POST, text/plain
 *       .query GET without a body; the file is the query string (a newline at its end does not count)
 *   test/fixtures/<kind>/<name>.expected.json    what must come of it:
 *       {
 *         "about":    "one sentence: the trap this fixture is about",                             optional
 *         "request":  { "method", "path", "query", "contentType", "headers": {} },                 optional, each key too;
 *                     path is what follows /in/{id} ("" by default), query has no "?", an empty contentType means none
 *         "settings": { NetworkServerSettings },                                                   optional
 *         "messages": [ { ...the whole of MessageFields, "idempotencyKey": "…", "eventTimeMs"?: 0, "original"?: "text" } ]
 *         or "error": { "reason": "invalid_field", "field": "FPort" }         no "field" means that the error has none
 *       }
 *
 * Messages are compared whole and strictly: a key too many or too few fails. `eventTimeMs` may be left out where it is the
 * instant of `time`; null means that it must be absent. `original` is left out where the whole body is the original.
 * A method or media type that the adapter does not list gives the error `method_not_allowed` or `unsupported_media_type`, as
 * the ingress would. A fixture without its expected file fails, and so does an expected file without its fixture, or two
 * fixtures with one name (`a.json` and `a.xml`), which would share their expected file.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join, parse } from 'node:path';
import { BridgeError } from '../../src/errors.js';
import type { NetworkServerAdapter, NetworkServerSettings, ParsedMessage, WebhookRequest } from '../../src/network-servers/network-server.js';

/** The parts of a request that the file name does not tell. */
export interface RequestParts {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly contentType?: string;
  readonly headers?: IncomingHttpHeaders;
}

export type ExpectedMessage = Readonly<Record<string, unknown>>;

export interface ExpectedError {
  readonly reason: string;
  readonly field?: string;
}

export interface Expected {
  readonly about?: string;
  readonly request?: RequestParts;
  readonly settings?: NetworkServerSettings;
  readonly messages?: readonly ExpectedMessage[];
  readonly error?: ExpectedError;
}

export type Outcome = { readonly messages: readonly ParsedMessage[] } | { readonly error: BridgeError };

export interface GoldenFixture {
  readonly name: string;
  readonly request: WebhookRequest;
  readonly expected: Expected;
}

export interface FixtureFolder {
  readonly fixtures: readonly GoldenFixture[];
  /** Files of the folder that lack their counterpart or share it. */
  readonly unpaired: readonly string[];
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.form': 'application/x-www-form-urlencoded',
  '.txt': 'text/plain',
  '.query': '',
};

/** The request that a file stands for, as the ingress would hand it to an adapter. */
export const requestOfFile = (extension: string, content: Buffer, parts: RequestParts = {}): WebhookRequest => {
  const isQuery = extension === '.query';
  const contentType = parts.contentType ?? mediaTypes[extension];
  if (contentType === undefined) throw new Error(`fixtures end in ${Object.keys(mediaTypes).join(', ')}: ${extension}`);
  return {
    method: parts.method ?? (isQuery ? 'GET' : 'POST'),
    path: parts.path ?? '',
    rawQuery: isQuery ? content.toString('utf8').trimEnd() : (parts.query ?? ''),
    headers: { ...parts.headers, ...(contentType === '' ? {} : { 'content-type': contentType }) },
    mediaType: (contentType.split(';')[0] ?? '').trim().toLowerCase(),
    body: isQuery ? Buffer.alloc(0) : content,
  };
};

const suffix = '.expected.json';

/** Every fixture under `test/fixtures/<kind>`, in the order of their names. */
export const readFixtures = (kind: string, root = 'test/fixtures'): FixtureFolder => {
  const folder = join(root, kind);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const bodies = files.filter((file) => !file.endsWith(suffix));
  const names = bodies.map((file) => parse(file).name);
  const fixtures = bodies.flatMap((file) => {
    const { name, ext } = parse(file);
    if (!files.includes(name + suffix)) return [];
    const expected = JSON.parse(readFileSync(join(folder, name + suffix), 'utf8')) as Expected;
    return [{ name: file, request: requestOfFile(ext, readFileSync(join(folder, file)), expected.request), expected }];
  });
  const unpaired = files.filter((file) =>
    file.endsWith(suffix) ? names.filter((name) => name + suffix === file).length !== 1 : !files.includes(parse(file).name + suffix));
  return { fixtures, unpaired };
};

/** What the ingress would do with a request: the adapter's messages, or the error that it answers. */
export const runAdapter = (adapter: NetworkServerAdapter, request: WebhookRequest, settings: NetworkServerSettings = {}): Outcome => {
  if (!adapter.methods.includes(request.method)) return { error: new BridgeError('method_not_allowed') };
  if (!adapter.mediaTypes.includes(request.mediaType)) return { error: new BridgeError('unsupported_media_type') };
  try {
    return { messages: adapter.parse(adapter.read(request, settings), request, settings) };
  } catch (error) {
    if (error instanceof BridgeError) return { error };
    throw error;
  }
};

/** An outcome in the words of an expected file, so that the two can be compared strictly. */
export const outcomeAsExpected = (outcome: Outcome, expected: Expected): Pick<Expected, 'messages' | 'error'> => {
  if ('error' in outcome) {
    const { reason, field } = outcome.error;
    return { error: { reason, ...(field === undefined ? {} : { field }) } };
  }
  return { messages: outcome.messages.map((message, index) => messageAsExpected(message, expected.messages?.[index])) };
};

const messageAsExpected = (message: ParsedMessage, expected: ExpectedMessage | undefined): ExpectedMessage => {
  const { fields, idempotencyKey, eventTimeMs, original } = message;
  const implied = fields.time === undefined ? undefined : Date.parse(fields.time);
  const timeIsStated = expected !== undefined && 'eventTimeMs' in expected;
  return {
    ...fields,
    idempotencyKey,
    ...(timeIsStated || eventTimeMs !== implied ? { eventTimeMs: eventTimeMs ?? null } : {}),
    ...(original === undefined ? {} : { original: original.toString('utf8') }),
  };
};
