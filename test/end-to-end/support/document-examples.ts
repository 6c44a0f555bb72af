import type { OpenApiDocument, Operation } from '../../api/support/document-check.js';

/** One operation of the document. */
export interface NamedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** A request that the document shows. */
export interface ExampleCall {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

export const operationsOf = ({ paths }: OpenApiDocument): readonly NamedOperation[] =>
  Object.entries(paths).flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, operation]) => ({ method: verb.toUpperCase(), path, operation })));

/** Every example of the body; undefined where there is no body. */
export const bodiesOf = ({ requestBody }: Operation): readonly unknown[] => {
  const media = Object.values(requestBody?.content ?? {})[0];
  if (media === undefined) return [undefined];
  return media.examples === undefined ? [media.example] : Object.values(media.examples).map(({ value }) => value);
};

/** Each operation with its examples: with what it must have, and with every parameter that has an example. */
export const exampleCalls = ({ method, path, operation }: NamedOperation): readonly ExampleCall[] => {
  const parameters = operation.parameters ?? [];
  const place = (one: string, { name, example }: { readonly name: string; readonly example?: unknown }): string => one.replace(`{${name}}`, encodeURIComponent(String(example)));
  const address = parameters.filter((one) => one.in === 'path').reduce(place, path);
  const query = parameters.filter((one) => one.in === 'query' && one.example !== undefined).map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`);
  const addresses = [...new Set([address, query.length === 0 ? address : `${address}?${query.join('&')}`])];
  return addresses.flatMap((one) => bodiesOf(operation).map((body) => ({ method, path: one, ...(body === undefined ? {} : { body }) })));
};
