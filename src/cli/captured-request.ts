import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { UsageError } from './arguments.js';

/** A webhook as it is sent again. */
export interface CapturedRequest {
  readonly method: string;
  /** What is put behind the path of `--url`. */
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.form': 'application/x-www-form-urlencoded',
  '.txt': 'text/plain',
};

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Headers that belong to the connection of the capture, not to the webhook; fetch sets its own. */
const ownHeaders: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade', 'expect', 'te', 'trailer']);

const headersOf = (headers: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(isTree(headers) ? headers : {}).flatMap(([name, value]) => (ownHeaders.has(name.toLowerCase()) ? [] : [[name.toLowerCase(), String(value)]])));

const queryOf = (query: unknown): string => {
  if (typeof query === 'string') return query.replace(/^\?/, '');
  return isTree(query) ? new URLSearchParams(Object.entries(query).map(([key, value]): [string, string] => [key, String(value)])).toString() : '';
};

const textOr = (value: unknown, fallback: string): string => (typeof value === 'string' ? value : fallback);

const bodyOf = (body: unknown): Buffer | undefined => (body === undefined || body === null ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

const captureOf = ({ request, body }: { readonly request: Tree; readonly body?: unknown }): CapturedRequest => {
  const content = bodyOf(body);
  const type = textOr(request['contentType'], content === undefined || typeof body === 'string' ? '' : 'application/json');
  return {
    method: textOr(request['method'], content === undefined ? 'GET' : 'POST').toUpperCase(),
    path: textOr(request['path'], ''),
    query: queryOf(request['query']),
    headers: { ...(type === '' ? {} : { 'content-type': type }), ...headersOf(request['headers']) },
    ...(content === undefined ? {} : { body: content }),
  };
};

const isCapture = (value: unknown): value is { readonly request: Tree; readonly body?: unknown } =>
  isTree(value) && isTree(value['request']) && Object.keys(value).every((key) => ['request', 'body', 'about'].includes(key));

const parsedCapture = (content: Buffer): { readonly request: Tree; readonly body?: unknown } | undefined => {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    return isCapture(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Reads a file: `{ "request": { method, path, query, headers, contentType }, "body" }`, or a bare body whose media type its ending
 * tells (.json .xml .txt .form), or a query string for a GET (.query).
 * @throws UsageError when the media type is unknown
 */
export const readCapturedRequest = (file: string, contentType: string | undefined): CapturedRequest => {
  const extension = extname(file);
  const content = readFileSync(file);
  const capture = extension === '.json' ? parsedCapture(content) : undefined;
  if (capture !== undefined) return captureOf(capture);
  if (extension === '.query') return { method: 'GET', path: '', query: content.toString('utf8').trim(), headers: {} };
  const type = contentType ?? contentTypes[extension];
  if (type === undefined) throw new UsageError(`${file}: give --content-type, the ending is none of ${Object.keys(contentTypes).join(' ')} .query`);
  return { method: 'POST', path: '', query: '', headers: { 'content-type': type }, body: content };
};
