import { z } from 'zod';
import { invalidRequest } from './api-error.js';
import type { ApiRequest } from './operation.js';

const failure = (member: string, constraint: string): Error =>
  invalidRequest(`1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`);

/** The body as a schema reads it; members that the schema does not know are left out, as AWS does. @throws ApiError InvalidRequestException */
export const readBody = <S extends z.ZodType>(schema: S, { body }: ApiRequest): z.output<S> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw failure(issue?.path.join('.') || 'body', issue?.message ?? 'Member must have a legal value');
};

/** A text of the path or query that has to satisfy a pattern. @throws ApiError InvalidRequestException */
export const checkText = (member: string, value: string | undefined, pattern: RegExp): string => {
  if (value === undefined || value === '') throw failure(member, 'Member must not be null');
  if (!pattern.test(value)) throw failure(member, `Member must satisfy regular expression pattern: ${pattern.source}`);
  return value;
};

/** Names of things, thing types, thing groups and billing groups. */
export const namePattern = /^[a-zA-Z0-9:_-]{1,128}$/;

/** A name of the path. @throws ApiError InvalidRequestException */
export const readName = ({ path }: ApiRequest, member: string): string => checkText(member, path[member], namePattern);

export const nameSchema = z.string().regex(namePattern, `Member must satisfy regular expression pattern: ${namePattern.source}`);

/** A flag of the query; absent: false. @throws ApiError InvalidRequestException */
export const readFlag = ({ query }: ApiRequest, member: string): boolean => {
  const value = query.get(member) ?? 'false';
  if (value !== 'true' && value !== 'false') throw failure(member, 'Member must be true or false');
  return value === 'true';
};

/** A whole number of the query. @throws ApiError InvalidRequestException */
export const readNumber = ({ query }: ApiRequest, member: string, range: { readonly least: number; readonly most: number }): number | undefined => {
  const text = query.get(member);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= range.least && value <= range.most) return value;
  throw failure(member, `Member must be a whole number from ${range.least} to ${range.most}`);
};

/** One of a few words of the query. @throws ApiError InvalidRequestException */
export const readWord = <W extends string>({ query }: ApiRequest, member: string, words: readonly W[]): W | undefined => {
  const text = query.get(member);
  if (text === null) return undefined;
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw failure(member, `Member must satisfy enum value set: [${words.join(', ')}]`);
  return word;
};

/** Version of a resource in the query that the caller expects. */
export const readExpectedVersion = (request: ApiRequest): number | undefined => readNumber(request, 'expectedVersion', { least: 0, most: Number.MAX_SAFE_INTEGER });

const headerOf = ({ headers }: ApiRequest, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** A header that the operation cannot do without. @throws ApiError InvalidRequestException */
export const readHeader = (request: ApiRequest, name: string): string => {
  const value = headerOf(request, name);
  if (value === undefined || value === '') throw failure(name, 'Member must not be null');
  return value;
};
