import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { CheckStep, JsonObject, ResourceKind } from '../../ports.js';
import { object, problem, text, type Schema } from '../../schemas.js';
import type { ChangeOptions } from '../change-plans.js';
import { exampleIds } from '../examples.js';
import type { ConfigOf } from '../kinds.js';
import type { ResourceView } from '../resource-view.js';
import type { Resources } from '../resources.js';

/** What the routes of one kind differ in. */
export interface CrudOptions<K extends ResourceKind> {
  readonly kind: K;
  readonly resources: Resources;
  /** `connection`, `connections`. */
  readonly words: { readonly one: string; readonly many: string };
  /** Of the list in its answer, and of the operations: `connections`, `Connection`. */
  readonly names: { readonly list: string; readonly operation: string };
  readonly show: (view: ResourceView) => JsonObject;
  readonly answer: (description: string) => Schema;
  /** Query keys of the list beside those of all kinds. */
  readonly filters: Record<string, Schema>;
  /** Query keys of DELETE beside `dryRun`. */
  readonly removal: Record<string, Schema>;
  readonly examples: { readonly document: JsonObject; readonly patch: JsonObject };
  /** What a dry run tries beside the document itself. */
  readonly tryOut?: (config: ConfigOf[K], signal: AbortSignal) => Promise<readonly CheckStep[]>;
}

export interface ById {
  readonly id: string;
}

export interface ChangeQuery {
  readonly dryRun?: boolean;
}

/** The schema of a path with an id in it. */
export const paramsOf = (kind: ResourceKind): Schema => object({ id: text('Its id.', { minLength: 1, maxLength: 128, examples: [exampleIds[kind]] }) });

export const dryRun: Schema = { type: 'boolean', description: 'Everything is checked and nothing is saved.', examples: [false] };
export const etagHeader = { etag: { type: 'string', description: 'Send it as If-Match with the next change, so that nobody is overwritten.' } };
export const ifMatchHeader: Schema = { type: 'object', properties: { 'if-match': text('The ETag that the change is meant for; without it the last writer wins.') } };

/** What a change may be answered with, beside what every operation may. */
export const refusals = {
  409: problem('The id is taken, others use it, it comes from the file, messages wait for it, or a flow is needed first.'),
  412: problem('Somebody else changed it: the ETag of If-Match is not the current one.'),
  503: problem('The store cannot be reached, or a secret cannot be opened.'),
};

/** Aborted when the caller is gone. */
export const abortedWith = (reply: FastifyReply): AbortSignal => {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
};

/** Who asks; a route that needs a role always has a caller. */
const actorOf = (request: FastifyRequest): Caller => request.caller ?? { who: 'unknown', role: 'read', from: request.ip };

export const changeOptions = (request: FastifyRequest, query: ChangeQuery): ChangeOptions => {
  const ifMatch = request.headers['if-match'];
  return { actor: actorOf(request), dryRun: query.dryRun === true, ...(ifMatch === undefined ? {} : { ifMatch }) };
};
