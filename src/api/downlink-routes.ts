import type { FastifyInstance } from 'fastify';
import type { DownlinkLife } from '../downlink/ports.js';
import { BridgeError, fieldError } from '../errors.js';
import type { BridgePorts, DownlinkRequest, PostedDownlink } from './bridge-ports.js';
import type { NoteChange } from './caller.js';
import { isoTime, lowerHex } from './answers.js';
import { downlinkBody, lifeAnswer, postedAnswer } from './downlink-schemas.js';
import type { JsonObject } from './ports.js';
import { FieldsError } from './problem.js';
import { id, object, problem } from './schemas.js';

const tags = ['downlinks'];

/** Longest device id, characters. */
const maxDeviceId = 128;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const inner = (document: JsonObject, key: string): JsonObject => {
  const value = document[key];
  return isObject(value) ? value : {};
};

/** Where each form names its device, the outermost first. */
const deviceIdOf = (document: JsonObject): string => {
  const named = [document['deviceId'], document['devEui'], inner(document, 'DevEUI_downlink')['DevEUI'], inner(document, 'end_device_ids')['dev_eui']];
  const given = named.find((value) => value !== undefined && value !== null && value !== '');
  if (given === undefined) throw fieldError('deviceId', 'is required');
  const text = typeof given === 'number' ? String(given) : given;
  if (typeof text !== 'string' || text.length > maxDeviceId) throw fieldError('deviceId', `must be text of at most ${maxDeviceId} characters`);
  return lowerHex(text);
};

const requestOf = (body: unknown): DownlinkRequest => {
  if (!isObject(body)) throw fieldError('body', 'must be a JSON object');
  const { connectionId, ...document } = body;
  if (connectionId !== undefined && (typeof connectionId !== 'string' || connectionId === '')) throw fieldError('connectionId', 'must be text');
  return { deviceId: deviceIdOf(document), document, ...(connectionId === undefined ? {} : { connectionId }) };
};

const postedJson = (posted: PostedDownlink) => {
  const beside = posted.correlationId === undefined ? {} : { correlationId: posted.correlationId };
  if (posted.kind === 'stored') return { id: posted.downlinkId, state: posted.state, duplicate: posted.duplicate === true, ...beside };
  const { reason, message, field } = posted.error;
  return { state: 'rejected', ...beside, error: { reason, message, ...(field === undefined ? {} : { field }) } };
};

/** Where nothing was taken the request failed as a whole, with what was wrong with each. */
const failure = (all: readonly PostedDownlink[]): BridgeError => {
  const errors = all.flatMap((posted) => (posted.kind === 'rejected' ? [posted.error] : []));
  const [first] = errors;
  if (first === undefined) return new BridgeError('invalid_field', { detail: 'the document holds no downlink' });
  if (errors.length === 1) return first;
  return new FieldsError(first.reason, errors.map((error) => ({ path: error.field ?? '', message: error.message })), { detail: 'none of the downlinks was taken' });
};

const lifeJson = ({ downlinkId, connectionId, deviceId, networkServerId, correlationId, steps }: DownlinkLife) => ({
  id: downlinkId,
  connection: connectionId,
  device: deviceId,
  ...(networkServerId === undefined ? {} : { networkServer: networkServerId }),
  ...(correlationId === undefined ? {} : { correlationId }),
  state: steps.at(-1)?.state ?? 'queued',
  steps: steps.map(({ state, time, attempt, cause }) => ({ state, time: isoTime(time), attempt, ...(cause === undefined ? {} : { cause }) })),
});

/** Sends commands to devices, and tells what became of them. */
export const registerDownlinkRoutes = (app: FastifyInstance, bridge: Pick<BridgePorts, 'postDownlink' | 'downlinkLife'>, note: NoteChange): void => {
  app.route({
    method: 'POST',
    url: '/downlinks',
    config: { role: 'operate' },
    // The reader of downlinks checks the document, and names what is wrong by the caller's own path; `anyOf` could not.
    validatorCompiler: () => () => true,
    schema: {
      tags,
      operationId: 'postDownlink',
      summary: 'Send a downlink',
      description: "Takes what may also be published to AWS: the native form, ThingPark's and The Things Stack's. Answered when it is stored.",
      body: downlinkBody,
      response: { 202: postedAnswer, 404: problem('The device was never heard.'), 409: problem('The device belongs to another connection.'), 422: problem('The network server takes no such downlink.') },
    },
    async handler(request, reply) {
      const wanted = requestOf(request.body);
      const all = await bridge.postDownlink(wanted);
      const stored = all.filter((posted) => posted.kind === 'stored');
      const [first] = stored;
      if (first === undefined) throw failure(all);
      await Promise.all(stored.filter(({ duplicate }) => duplicate !== true).map(({ downlinkId }) => note(request, { action: 'create', kind: 'downlink', id: downlinkId })));
      return reply.code(202).header('location', `/downlinks/${first.downlinkId}`).send({ downlinks: all.map(postedJson) });
    },
  });

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/downlinks/:id',
    config: { role: 'read' },
    schema: {
      tags,
      operationId: 'getDownlink',
      summary: 'What became of a downlink',
      description: 'Each change of its state, with the time, the attempt and the cause.',
      params: object({ id: id('Id of the downlink.', '0123456789abcdef0123456789abcdef') }),
      response: { 200: lifeAnswer },
    },
    async handler({ params }) {
      const life = await bridge.downlinkLife(params.id);
      if (life === undefined) throw new BridgeError('unknown_resource', { detail: 'no downlink of this id is remembered' });
      return lifeJson(life);
    },
  });
};
