import type { FastifyInstance } from 'fastify';
import type { QueuedDownlink, SeenDevice } from '../downlink/ports.js';
import { BridgeError } from '../errors.js';
import type { ThingRecord } from '../uplink/ports.js';
import { isoTime, lowerHex } from './answers.js';
import { given } from '../given.js';
import type { BridgePorts } from './bridge-ports.js';
import type { NoteChange } from './caller.js';
import { id, integer, listOf, object, page, pageQuery, query, reason, text, time, type Schema } from './schemas.js';

const tags = ['devices'];
const usualLimit = 100;
const mostDevices = 500;
const exampleDevice = '70b3d5e75e00a1b2';

const thingSchema: Schema = object(
  {
    connection: text('The connection in whose AWS account it is.'),
    name: text('Its name in AWS.'),
    state: text('`pending`: to be looked up or made; `ready`: it exists and is attached; `missing`: it does not exist and must not be made; `foreign`: it belongs to another system; `failed`: AWS refused.', {
      enum: ['pending', 'ready', 'missing', 'foreign', 'failed'],
    }),
    reason,
    detail: text('In words.'),
    since: time('Last change of its state.'),
  },
  ['reason', 'detail'],
);

const deviceKeys: Record<string, Schema> = {
  id: text('DevEUI in lower case, or the Sigfox id.'),
  networkServer: text('Network server that it was last heard by.'),
  connections: listOf(text('Id of a connection.'), 'Connections that its messages go to; they may command it.'),
  lastSeenAt: time('Its latest message; a minute behind at most after an unclean end.'),
  fCnt: integer('FCnt of its latest uplink.'),
  things: listOf(thingSchema, 'Its things in AWS.'),
};
const optionalKeys = ['lastSeenAt', 'fCnt'];

const pendingSchema: Schema = object(
  {
    id: text('Id of the downlink.'),
    connection: text('Connection that it came from.'),
    correlationId: text("The caller's own id."),
    fPort: integer('FPort.'),
    confirmed: { type: 'boolean', description: 'Whether the device must acknowledge it.' },
    receivedAt: time('When the bridge took it.'),
    validUntil: time('Not submitted any more from then on.'),
    attempts: integer('Attempts so far.'),
  },
  ['correlationId', 'fPort'],
);

const deviceAnswer = object({ ...deviceKeys, pendingDownlinks: listOf(pendingSchema, 'What waits for it, oldest first.') }, optionalKeys, { description: 'The device.' });

const thingJson = ({ connectionId, thingName, state, reason: why, detail, since }: ThingRecord) => ({
  connection: connectionId,
  name: thingName,
  state,
  ...given({ reason: why, detail }),
  since: isoTime(since),
});

const deviceJson = ({ deviceId, networkServerId, connectionIds, lastSeenAt, fCnt }: SeenDevice, things: readonly ThingRecord[]) => ({
  id: deviceId,
  networkServer: networkServerId,
  connections: connectionIds,
  ...given({ lastSeenAt: lastSeenAt === undefined ? undefined : isoTime(lastSeenAt), fCnt }),
  things: things.map(thingJson),
});

const pendingJson = ({ downlink, attempts }: QueuedDownlink) => ({
  id: downlink.id,
  connection: downlink.connectionId,
  ...given({ correlationId: downlink.correlationId, fPort: downlink.fPort }),
  confirmed: downlink.confirmed,
  receivedAt: isoTime(downlink.receivedAt),
  validUntil: isoTime(downlink.validUntil),
  attempts,
});

interface DeviceQuery {
  readonly networkServer?: string;
  readonly connection?: string;
  readonly limit?: number;
  readonly after?: string;
}

type Ports = Pick<BridgePorts, 'devices' | 'things' | 'waiting' | 'clearDownlinks'>;

/** Devices as they were last heard, with their things in AWS and what waits for them. */
export const registerDeviceRoutes = (app: FastifyInstance, bridge: Ports, note: NoteChange): void => {
  app.route<{ Querystring: DeviceQuery }>({
    method: 'GET',
    url: '/devices',
    config: { role: 'read' },
    schema: {
      tags,
      operationId: 'listDevices',
      summary: 'List devices',
      description: 'Every device that was heard, in a fixed order.',
      querystring: query({ networkServer: id('Only those of this network server.', 'factory'), connection: id('Only those of this connection.', 'main'), ...pageQuery(mostDevices, usualLimit) }),
      response: { 200: page('devices', object(deviceKeys, optionalKeys), 'The devices.') },
    },
    async handler({ query: { networkServer, connection, limit = usualLimit, after } }) {
      const found = await bridge.devices.list(given({ networkServerId: networkServer, connectionId: connection }), { limit, ...given({ after }) });
      const devices = await Promise.all(found.devices.map(async (device) => deviceJson(device, await bridge.things.of(device.deviceId))));
      return { devices, ...given({ next: found.next }) };
    },
  });

  const params = object({ id: id('Device id; a DevEUI in either case.', exampleDevice) });

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/devices/:id',
    config: { role: 'read' },
    schema: { tags, operationId: 'getDevice', summary: 'Show a device', description: 'Where and when it was last heard, its things in AWS and the downlinks that wait for it.', params, response: { 200: deviceAnswer } },
    async handler(request) {
      const deviceId = lowerHex(request.params.id);
      const device = await bridge.devices.find(deviceId);
      if (device === undefined) throw new BridgeError('unknown_device');
      const [things, waiting] = await Promise.all([bridge.things.of(deviceId), bridge.waiting(deviceId)]);
      return { ...deviceJson(device, things), pendingDownlinks: waiting.map(pendingJson) };
    },
  });

  app.route<{ Params: { id: string } }>({
    method: 'DELETE',
    url: '/devices/:id/downlinks',
    config: { role: 'operate' },
    schema: {
      tags,
      operationId: 'clearDownlinks',
      summary: 'Delete what waits for a device',
      description: 'Takes out every downlink that waits for the device, but not one that is being submitted; each is reported as failed with the code `downlink_deleted`.',
      params,
      response: { 200: object({ deleted: integer('How many there were.') }, [], { description: 'They are gone.' }) },
    },
    async handler(request) {
      const deviceId = lowerHex(request.params.id);
      const deleted = await bridge.clearDownlinks(deviceId);
      if (deleted > 0) await note(request, { action: 'clear', kind: 'device', id: deviceId });
      return { deleted };
    },
  });
};
