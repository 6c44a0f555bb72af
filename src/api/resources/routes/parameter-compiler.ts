import type { FastifySchemaCompiler } from 'fastify';
import { didYouMean } from '../../../config/nearest.js';
import { FieldsError, type FieldProblem } from '../../problem.js';

interface ParameterSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

interface ParametersSchema {
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
}

const textProblem = (value: unknown, schema: ParameterSchema): string | undefined => {
  if (typeof value !== 'string') return 'must be given once';
  if (schema.enum !== undefined) return schema.enum.includes(value) ? undefined : `must be one of ${schema.enum.join(', ')}`;
  const { minLength = 0, maxLength = Infinity } = schema;
  return value.length < minLength || value.length > maxLength ? `must be ${minLength} to ${maxLength} characters` : undefined;
};

const problemOf = (value: unknown, schema: ParameterSchema): string | undefined => {
  if (schema.type === 'boolean') return typeof value === 'boolean' ? undefined : 'must be true or false';
  if (schema.type !== 'integer') return textProblem(value, schema);
  const { minimum = 0, maximum = Infinity } = schema;
  return typeof value === 'number' && value >= minimum && value <= maximum ? undefined : `must be a whole number from ${minimum} to ${maximum}`;
};

const problemsOf = (values: Readonly<Record<string, unknown>>, { properties = {} }: ParametersSchema): FieldProblem[] =>
  Object.entries(values).flatMap(([key, value]) => {
    const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const message = schema === undefined ? `is not known here${didYouMean(key, Object.keys(properties))}` : problemOf(value, schema);
    return message === undefined ? [] : [{ path: key.slice(0, 64), message }];
  });

const check = (values: unknown, schema: ParametersSchema): FieldsError | undefined => {
  const problems = problemsOf(values as Readonly<Record<string, unknown>>, schema);
  const [first] = problems;
  return first === undefined ? undefined : new FieldsError('invalid_field', problems, { field: first.path, detail: first.message });
};

/**
 * Checks the parameters of an address by the schemas that document them. Bodies pass: they are read by the schemas of the
 * configuration, which tell every wrong key in their own words.
 */
export const parameterCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  if (httpPart === 'body' || httpPart === 'headers') return () => true;
  return (values: unknown) => {
    const error = check(values, schema as ParametersSchema);
    return error === undefined ? { value: values } : { error };
  };
};
