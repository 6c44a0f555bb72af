import type { FastifyInstance } from 'fastify';
import { BridgeError, fieldError } from '../errors.js';
import { isoTime } from './answers.js';
import { given } from '../given.js';
import type { BridgePorts } from './bridge-ports.js';
import type { NoteChange } from './caller.js';
import type { Role, StoredToken } from './ports.js';
import { id, listOf, nothing, object, problem, role, text, time, type Schema } from './schemas.js';
import { issueToken, maxTokenName } from './tokens.js';

const tags = ['tokens'];

interface TokenBody {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: string;
}

interface TokenParts {
  readonly tokens: BridgePorts['tokens'];
  readonly note: NoteChange;
}

/** The audit writes `loopback` for who needed no token. */
const reservedName = 'loopback';

const name = text('For people, and for the audit; unique.', { minLength: 1, maxLength: maxTokenName, pattern: '^\\S(.*\\S)?$' });

const tokenKeys: Record<string, Schema> = { id: text('Its id.'), name, role, createdAt: time('When it was made.'), expiresAt: time('Not valid any more from then on; absent: until it is deleted.') };

const tokenJson = ({ id: tokenId, name: named, role: held, createdAt, expiresAt }: StoredToken) => ({
  id: tokenId,
  name: named,
  role: held,
  createdAt: isoTime(createdAt),
  ...given({ expiresAt: expiresAt === undefined ? undefined : isoTime(expiresAt) }),
});

const expiryOf = (expiresAt: string | undefined): number | undefined => {
  if (expiresAt === undefined) return undefined;
  const time = Date.parse(expiresAt);
  if (!(time > Date.now())) throw fieldError('expiresAt', 'must be in the future');
  return time;
};

/** @throws BridgeError invalid_field, resource_exists */
export const checkTokenName = (wanted: string, stored: readonly StoredToken[]): void => {
  const same = (other: string): boolean => other.toLowerCase() === wanted.toLowerCase();
  if (same(reservedName)) throw fieldError('name', 'is used for requests without a token');
  if (stored.some((token) => same(token.name))) throw new BridgeError('resource_exists', { field: 'name', detail: 'a token of this name exists' });
};

const createRoute = (app: FastifyInstance, { tokens, note }: TokenParts): void => {
  app.route<{ Body: TokenBody }>({
    method: 'POST',
    url: '/tokens',
    config: { role: 'admin' },
    schema: {
      tags,
      operationId: 'createToken',
      summary: 'Make a token',
      description: 'The token is in this answer and nowhere else: only its SHA-256 is kept.',
      body: {
        ...object({ name, role, expiresAt: time('From then on it is not valid any more.') }, ['expiresAt'], { additionalProperties: false }),
        examples: [{ name: 'dashboard', role: 'read', expiresAt: '2099-01-01T00:00:00Z' }],
      },
      response: {
        201: object({ ...tokenKeys, token: text('Send it as `Authorization: Bearer`.', { pattern: '^lpb_[A-Za-z0-9_-]{43}$' }) }, ['expiresAt'], {
          description: 'It is valid at once.',
          headers: { location: { type: 'string', description: 'Address to delete it.' } },
        }),
        409: problem('A token of this name exists.'),
      },
    },
    async handler(request, reply) {
      const { name: wanted, role: held, expiresAt } = request.body;
      const expiry = expiryOf(expiresAt);
      checkTokenName(wanted, await tokens.list());
      const { token, stored } = issueToken({ name: wanted, role: held, ...given({ expiresAt: expiry }) });
      await tokens.add(stored);
      await note(request, { action: 'create', kind: 'token', id: stored.id });
      return reply.code(201).header('location', `/tokens/${stored.id}`).send({ ...tokenJson(stored), token });
    },
  });
};

const listRoute = (app: FastifyInstance, { tokens }: TokenParts): void => {
  app.route({
    method: 'GET',
    url: '/tokens',
    config: { role: 'admin' },
    schema: {
      tags,
      operationId: 'listTokens',
      summary: 'List tokens',
      description: 'Names and roles, never the tokens.',
      response: { 200: object({ tokens: listOf(object(tokenKeys, ['expiresAt']), 'All tokens, also expired ones.') }, [], { description: 'The tokens.' }) },
    },
    handler: async () => ({ tokens: (await tokens.list()).map(tokenJson) }),
  });
};

const deleteRoute = (app: FastifyInstance, { tokens, note }: TokenParts): void => {
  app.route<{ Params: { id: string } }>({
    method: 'DELETE',
    url: '/tokens/:id',
    config: { role: 'admin' },
    schema: {
      tags,
      operationId: 'deleteToken',
      summary: 'Delete a token',
      description: 'Nobody gets in with it any more.',
      params: object({ id: id('Id of the token.', '0123456789abcdef') }),
      response: { 204: nothing('It is gone.') },
    },
    async handler(request, reply) {
      if (!(await tokens.remove(request.params.id))) throw new BridgeError('unknown_resource', { detail: 'no token has this id' });
      await note(request, { action: 'delete', kind: 'token', id: request.params.id });
      return reply.code(204).send();
    },
  });
};

/** Bearer tokens: made, listed, deleted. */
export const registerTokenRoutes = (app: FastifyInstance, parts: TokenParts): void => {
  for (const route of [createRoute, listRoute, deleteRoute]) route(app, parts);
};
