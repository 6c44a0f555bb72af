import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BridgeError } from '../errors.js';
import type { Caller } from './caller.js';
import { distrust } from './loopback.js';
import type { Refusal } from './metrics.js';
import type { Role, StoredToken, TokenStore } from './ports.js';
import type { RefusedTokens } from './refused-tokens.js';
import { hashToken, looksLikeToken, reaches } from './tokens.js';

export interface AuthenticationOptions {
  /** Requests of this machine itself need no token. */
  readonly trustLoopback: boolean;
  readonly tokens: Pick<TokenStore, 'find'>;
  readonly refusedTokens: RefusedTokens;
}

/** The challenge of a 401 (RFC 6750, 3): a request without any credentials is told no error code. */
const challenges: Readonly<Record<Exclude<Refusal, 'role_too_low'>, string>> = {
  missing: 'Bearer realm="lpwan-bridge"',
  malformed: 'Bearer realm="lpwan-bridge", error="invalid_token"',
  unknown: 'Bearer realm="lpwan-bridge", error="invalid_token"',
  expired: 'Bearer realm="lpwan-bridge", error="invalid_token"',
};

/** The same words for a token that is unknown and one that is expired: who guesses learns nothing. */
const wrongToken = 'the token is unknown or expired';

const bearerOf = (header: string): string => /^bearer +(\S+) *$/i.exec(header)?.[1] ?? '';

const whyRefused = (token: StoredToken | undefined): Refusal | undefined => {
  if (token === undefined) return 'unknown';
  return token.expiresAt !== undefined && token.expiresAt <= Date.now() ? 'expired' : undefined;
};

/** Lets a request in by its token, or by coming from this machine itself where that is enough, before its body is read. */
export const registerAuthentication = (app: FastifyInstance, { trustLoopback, tokens, refusedTokens }: AuthenticationOptions): void => {
  const challenge = async (request: FastifyRequest, reply: FastifyReply, { cause, detail }: { readonly cause: keyof typeof challenges; readonly detail: string }): Promise<never> => {
    await refusedTokens.refused(cause, request.ip);
    void reply.header('www-authenticate', challenges[cause]);
    throw new BridgeError('token_required', { detail });
  };

  const find = async (text: string): Promise<StoredToken | undefined> => {
    try {
      return await tokens.find(hashToken(text));
    } catch (error) {
      refusedTokens.unreadable(error);
      throw new BridgeError(error instanceof BridgeError ? error.reason : 'internal_error', { detail: 'the tokens cannot be read' });
    }
  };

  const byToken = async (request: FastifyRequest, reply: FastifyReply, header: string): Promise<Caller> => {
    const text = bearerOf(header);
    if (!looksLikeToken(text)) return challenge(request, reply, { cause: 'malformed', detail: 'Authorization must be `Bearer` and a token of this bridge' });
    const token = await find(text);
    const cause = whyRefused(token);
    if (token === undefined || cause !== undefined) return challenge(request, reply, { cause: cause === 'expired' ? cause : 'unknown', detail: wrongToken });
    return { who: token.name, role: token.role, from: request.ip };
  };

  const byAddress = async (request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
    const why = trustLoopback ? distrust(request) : 'send Authorization: Bearer with a token';
    if (why === undefined) return { who: 'loopback', role: 'admin', from: request.ip };
    return challenge(request, reply, { cause: 'missing', detail: trustLoopback ? `a token is needed, because ${why}` : why });
  };

  const checkRole = async ({ ip }: FastifyRequest, caller: Caller, needed: Role): Promise<void> => {
    if (reaches(caller.role, needed)) return;
    await refusedTokens.refused('role_too_low', ip);
    throw new BridgeError('role_too_low', { detail: `the token has the role ${caller.role}, and ${needed} is needed` });
  };

  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', async (request, reply) => {
    // What does not exist is nobody's secret, but only callers who prove themselves are told.
    const needed = request.is404 ? 'read' : (request.routeOptions.config.role ?? 'admin');
    const { authorization } = request.headers;
    if (needed === 'unchecked' || (needed === 'open' && authorization === undefined)) return;
    const caller = await (authorization === undefined ? byAddress(request, reply) : byToken(request, reply, authorization));
    if (needed !== 'open') await checkRole(request, caller, needed);
    request.caller = caller;
  });
};
