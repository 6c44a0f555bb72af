import { createRequire } from 'node:module';
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';

type Compilers = Required<NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>>;
type BuildValidator = (shared: Readonly<Record<string, object>>, options: object | undefined) => FastifySchemaCompiler<unknown>;

const require = createRequire(import.meta.url);

const buildWithAjv: BuildValidator = (shared, options) => {
  const { AjvCompiler } = require('@fastify/ajv-compiler') as typeof import('@fastify/ajv-compiler');
  return AjvCompiler()(shared, options);
};

/** Ajv is loaded, and a schema compiled, for the first request that it is about: together they would take a start a tenth of a second. */
const buildValidator: BuildValidator = (shared, options) => {
  let compile: FastifySchemaCompiler<unknown> | undefined;
  return (route) => {
    let validate: ReturnType<FastifySchemaCompiler<unknown>> | undefined;
    return (value: unknown) => {
      compile ??= buildWithAjv(shared, options);
      validate ??= compile(route);
      return validate(value) === true ? true : { error: validate.errors ?? [] };
    };
  };
};

/** Answers are what the handlers made; that they keep to their schemas is proved by tests, so that nothing is dropped or bent on the way. */
const buildSerializer = () => () => (answer: unknown) => JSON.stringify(answer);

/** What Fastify makes validators and serializers with, in place of its own, which it would load and run at every start. */
export const schemaCompilers = { buildValidator, buildSerializer } as unknown as Compilers;
