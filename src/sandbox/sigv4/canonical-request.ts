import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What a signature covers. */
export interface Signable {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** SHA-256 of the body in hex. */
  readonly payloadHash: string;
}

/** When and for what a signature is: the `Credential` without its key. */
export interface Scope {
  /** `20261121T093000Z`. */
  readonly time: string;
  readonly region: string;
  readonly service: string;
}

/** RFC 3986: everything but the unreserved characters. */
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** `left/right` of the first question mark. */
export const splitTarget = (target: string): { readonly path: string; readonly query: string } => {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
};

/** The members of a query as written, decoded, a plus sign kept as it is. */
export const queryMembers = (query: string): [string, string][] =>
  query
    .split('&')
    .filter((member) => member !== '')
    .map((member) => {
      const at = member.indexOf('=');
      return at < 0 ? [decode(member), ''] : [decode(member.slice(0, at)), decode(member.slice(at + 1))];
    });

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const canonicalQuery = (query: string, without: ReadonlySet<string>): string =>
  queryMembers(query)
    .filter(([name]) => !without.has(name))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort(byText)
    .join('&');

/** All services but S3 encode the path, which is encoded already, once more. */
const canonicalPath = (path: string): string => path.split('/').map(encode).join('/');

const canonicalHeader = (headers: IncomingHttpHeaders, name: string): string => {
  const value = headers[name];
  return `${name}:${[value ?? ''].flat().join(',').trim().replace(/ +/g, ' ')}\n`;
};

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The signing key: a chain over date, Region and service. */
const signingKey = (secret: string, { time, region, service }: Scope): Buffer =>
  ['aws4_request', service, region, time.slice(0, 8)].reduceRight<string | Buffer>((key, text) => hmac(key, text), `AWS4${secret}`) as Buffer;

export interface SignatureParts {
  readonly request: Signable;
  readonly scope: Scope;
  readonly signedHeaders: readonly string[];
  readonly secretAccessKey: string;
  /** Members of the query that the signature does not cover. */
  readonly uncovered: ReadonlySet<string>;
}

/** The signature in hex (AWS IAM user guide, "Create a signed AWS API request"). */
export const signatureOf = ({ request, scope, signedHeaders, secretAccessKey, uncovered }: SignatureParts): string => {
  const { path, query } = splitTarget(request.target);
  const canonical = [
    request.method,
    canonicalPath(path),
    canonicalQuery(query, uncovered),
    signedHeaders.map((name) => canonicalHeader(request.headers, name)).join(''),
    signedHeaders.join(';'),
    request.payloadHash,
  ].join('\n');
  const scopeText = `${scope.time.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', scope.time, scopeText, sha256(canonical)].join('\n');
  return hmac(signingKey(secretAccessKey, scope), toSign).toString('hex');
};
