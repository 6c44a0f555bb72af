import type { FastifyInstance } from 'fastify';
import { BridgeError } from '../errors.js';
import { given } from '../given.js';
import type { ReplayOutcome } from './bridge-ports.js';
import { choiceKeys, filterOf, parkedPage, seqOf, unknownParked, type ParkedChoice } from './parked-message-choice.js';
import { mostChanged, parkedMessageParams as params, parkedMessageTags as tags, type ParkedMessageParts } from './parked-message-routes.js';
import { integer, listOf, object, reason, text, type Schema } from './schemas.js';

interface ReplayBody {
  readonly ids?: readonly string[];
  readonly filter?: ParkedChoice;
  readonly after?: string;
  readonly limit?: number;
}

const bound = integer(`At most so many; ${mostChanged} where it is absent.`, { minimum: 1, maximum: mostChanged, default: mostChanged });

const replayBody: Schema = {
  type: 'object',
  additionalProperties: false,
  description: 'Either `ids` or `filter`. A filter takes the oldest ones first, up to `limit`.',
  properties: {
    ids: listOf(text('One id.', { pattern: '^[0-9]{1,16}$' }), 'Just these.', { minItems: 1, maxItems: mostChanged }),
    filter: { type: 'object', additionalProperties: false, properties: choiceKeys, description: 'Every one that fits; `{}` means all.' },
    limit: bound,
    after: text('`next` of the answer before, to go on with the rest.', { pattern: '^[0-9]{1,16}$' }),
  },
  examples: [{ filter: { connection: 'main', reason: 'topic_unresolved' } }],
};

const refusedSchema = listOf(object({ id: text('Its id.'), reason, detail: text('In words.') }), 'Stayed parked, and why.');
const nextSchema = text('There are more: send it as `after` with the same filter to go on. Absent when all that fit were tried.');
const replayAnswer: Schema = object(
  { replayed: integer('How many are on their way again.'), refused: refusedSchema, missing: listOf(text('An id.'), 'Ids that name no parked message.'), next: nextSchema },
  ['next'],
  { description: 'They wait behind everything that waits already.' },
);

const nobody: ReplayOutcome = { replayed: 0, refused: [] };

const replayJson = ({ replayed, refused }: ReplayOutcome) => ({ replayed, refused: refused.map(({ seq, reason: why, detail }) => ({ id: String(seq), reason: why, detail })) });

interface Chosen {
  readonly seqs: readonly number[];
  readonly missing: readonly string[];
  readonly next?: number;
}

/** @throws BridgeError invalid_field */
const chosenBy = async (parked: ParkedMessageParts['parked'], { ids, filter, after, limit = mostChanged }: ReplayBody): Promise<Chosen> => {
  if ((ids === undefined) === (filter === undefined)) throw new BridgeError('invalid_field', { detail: 'the body must hold either ids or filter' });
  if (ids === undefined) {
    const { records, next } = await parkedPage(parked, filterOf(filter ?? {}), { limit, after: after === undefined ? -1 : seqOf(after, 'after') });
    return { seqs: records.map(({ seq }) => seq), missing: [], ...given({ next }) };
  }
  const seqs = [...new Set(ids.map((one, index) => seqOf(one, `ids[${index}]`)))];
  const there = new Set<number>();
  // One after the other, so that no more than one payload of those asked for is in memory.
  for (const seq of seqs) for (const record of await parked.parkedAt([seq])) there.add(record.seq);
  return { seqs: seqs.filter((seq) => there.has(seq)), missing: seqs.filter((seq) => !there.has(seq)).map(String) };
};

const replayOneRoute = (app: FastifyInstance, { parked, note }: ParkedMessageParts): void => {
  app.route<{ Params: { id: string } }>({
    method: 'POST',
    url: '/parked-messages/:id/replay',
    config: { role: 'operate' },
    schema: {
      tags,
      operationId: 'replayParkedMessage',
      summary: 'Replay a parked message',
      description: 'Puts it back behind everything that waits, whether or not the same message was delivered before.',
      params,
      response: { 200: object({ replayed: integer('1, or 0 where it was refused.'), refused: refusedSchema }, [], { description: 'It is on its way again, or stayed parked.' }) },
    },
    async handler(request) {
      const outcome = await parked.replay([seqOf(request.params.id)]);
      if (outcome.replayed === 0 && outcome.refused.length === 0) throw unknownParked();
      if (outcome.replayed > 0) await note(request, { action: 'replay', kind: 'parked message', id: request.params.id });
      return replayJson(outcome);
    },
  });
};

const replayManyRoute = (app: FastifyInstance, { parked, note }: ParkedMessageParts): void => {
  app.route<{ Body: ReplayBody }>({
    method: 'POST',
    url: '/parked-messages/replay',
    config: { role: 'operate' },
    schema: {
      tags,
      operationId: 'replayParkedMessages',
      summary: 'Replay parked messages',
      description: `Puts up to ${mostChanged} back behind everything that waits, in their old order; where more fit, \`next\` goes on.`,
      body: replayBody,
      response: { 200: replayAnswer },
    },
    async handler(request) {
      const { seqs, missing, next } = await chosenBy(parked, request.body);
      const outcome = seqs.length === 0 ? nobody : await parked.replay(seqs);
      if (outcome.replayed > 0) await note(request, { action: 'replay', kind: 'parked message', id: `${outcome.replayed} messages`, changed: Object.keys(request.body.filter ?? {}) });
      return { ...replayJson(outcome), missing, ...given({ next: next === undefined ? undefined : String(next) }) };
    },
  });
};

/** Puts parked messages back into the outbox. */
export const registerReplayRoutes = (app: FastifyInstance, parts: ParkedMessageParts): void => {
  for (const route of [replayOneRoute, replayManyRoute]) route(app, parts);
};
