import { jsonSchemaOf } from '../../../config/json-schema.js';
import type { JsonObject, ResourceKind } from '../../ports.js';
import { object, listOf, text, time, type Schema } from '../../schemas.js';
import { isJsonObject } from '../json-object.js';
import { kindRows } from '../kinds.js';
import { mask } from '../secrets.js';

/** The document of a kind, as the configuration reads it; the id may be left out. */
const documentSchema = (kind: ResourceKind): Schema => jsonSchemaOf(kindRows[kind].node) as JsonObject;

/** What POST takes: the id of a connection may be left out. */
export const newDocumentSchema = (kind: ResourceKind): Schema => {
  const schema = documentSchema(kind);
  const { required = [] } = schema;
  return kind === 'connection' || !Array.isArray(required) ? schema : { ...schema, required: ['id', ...(required as readonly string[])] };
};

/** What PUT takes: the id is in the address already. */
export const wholeDocumentSchema = documentSchema;

export const fieldProblem: Schema = object({ path: text('Path of the key.'), message: text('What is wrong with it.') });

/** Keys that the answers of every kind have beside the document. */
export const shownProperties: Record<string, Schema> = {
  origin: text('`file`: declared in the configuration file, read-only here. `api`: made here.', { enum: ['file', 'api'] }),
  revision: text('Its ETag without the quotes.'),
  createdAt: time('When it was made; absent for one of the file.'),
  updatedAt: time('When it last changed; absent for one of the file.'),
  problems: listOf(fieldProblem, 'Why it cannot be used as it is: an expired certificate, a key that is not here. Absent when all is well.'),
};

export const shownOptional = ['createdAt', 'updatedAt', 'problems'];

const looseProperty = (schema: unknown): Schema => {
  const description = isJsonObject(schema) ? schema['description'] : undefined;
  return typeof description === 'string' ? { description } : {};
};

/** The keys of the document as answers show them: as they were given, so a number may be a text. */
export const givenProperties = (kind: ResourceKind): Record<string, Schema> => {
  const { properties } = documentSchema(kind);
  return Object.fromEntries(Object.entries(isJsonObject(properties) ? properties : {}).map(([key, schema]) => [key, looseProperty(schema)]));
};

export const maskedNote = `As it was given; secrets show as \`${mask}\`. Send the mask back to keep them.`;
