import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from './call.js';

type Json = Record<string, unknown>;

export interface Operation extends Json {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: 'query' | 'path'; readonly required?: boolean; readonly example?: unknown; readonly schema: Json }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown; readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

export interface OpenApiDocument extends Json {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Every object answered holds only what its schema names, unless that says otherwise. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return copy['type'] === 'object' && 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
};

const pathForm = (template: string): RegExp => new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`);
const pointer = (...parts: string[]): string => parts.map((part) => part.replace(/~/g, '~0').replace(/\//g, '~1')).join('/');
const mediaTypeOf = (answer: Answer): string => (answer.headers['content-type'] ?? '').split(';', 1)[0] ?? '';

/** Compares answers with the OpenAPI document. */
export interface DocumentCheck {
  /** What an answer has that the document does not allow; empty when all is as documented. */
  wrongs(method: string, path: string, answer: Answer): string[];
  /** `GET /devices/{id}` of a path; undefined for one that is not in the document. */
  operationOf(method: string, path: string): string | undefined;
}

export const createDocumentCheck = (document: OpenApiDocument): DocumentCheck => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed(document) as Json, 'document');
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (at: string): ValidateFunction => {
    const found = validators.get(at) ?? ajv.compile({ $ref: `document#/${encodeURI(at)}` });
    validators.set(at, found);
    return found;
  };

  // A path without parameters comes before one with: /parked-messages/replay is no id.
  const templates = Object.keys(document.paths).sort((a, b) => Number(a.includes('{')) - Number(b.includes('{')));
  const find = (method: string, path: string): { readonly template: string; readonly verb: string } | undefined => {
    const [plain = ''] = path.split('?', 1);
    const verb = (method === 'HEAD' ? 'GET' : method).toLowerCase();
    const template = templates.find((one) => pathForm(one).test(plain) && document.paths[one]?.[verb] !== undefined);
    return template === undefined ? undefined : { template, verb };
  };

  const bodyWrongs = (at: readonly string[], answer: Answer, media: string): string[] => {
    const body: unknown = media.endsWith('json') ? JSON.parse(answer.text) : answer.text;
    const validate = validatorOf(pointer(...at, 'content', media, 'schema'));
    return validate(body) ? [] : (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`);
  };

  return {
    operationOf(method, path) {
      const found = find(method, path);
      return found === undefined ? undefined : `${found.verb.toUpperCase()} ${found.template}`;
    },
    wrongs(method, path, answer) {
      const found = find(method, path);
      if (found === undefined) return [];
      const responses = document.paths[found.template]?.[found.verb]?.responses ?? {};
      const status = String(answer.status) in responses ? String(answer.status) : 'default';
      const response = responses[status];
      if (response === undefined || (status === 'default' && answer.status < 400)) return [`${answer.status} is not documented`];
      if (method === 'HEAD' || response.content === undefined) return answer.text === '' ? [] : ['no body is documented'];
      const media = mediaTypeOf(answer);
      if (!(media in response.content)) return [`${media} is not documented`];
      return bodyWrongs(['paths', found.template, found.verb, 'responses', status], answer, media);
    },
  };
};
