import { cause, downlinkState, id, integer, listOf, object, reason, text, time, type Schema } from './schemas.js';

const correlationId = text("The caller's own id, given back in every status.", { maxLength: 128 });
const connectionId = id('Connection that is to be told of its states; where it is absent, the one that the device belongs to.', 'main');

const nativeForm: Schema = {
  title: 'Native form',
  ...object(
    {
      deviceId: id('DevEUI, or the Sigfox id.', '70b3d5e75e00a1b2'),
      devEui: text('The same as `deviceId`, where that is absent.'),
      connectionId,
      fPort: integer('FPort (LoRaWAN 1.0.4, 4.3.2).', { minimum: 1, maximum: 223 }),
      payload: { description: "FRMPayload as hex or base64 text, or an object for the network server's own encoder.", oneOf: [{ type: 'string' }, { type: 'object' }] },
      payloadEncoding: text('How the payload is written; found out where it is absent.', { enum: ['hex', 'base64'] }),
      confirmed: { type: 'boolean', description: 'Whether the device must acknowledge it.' },
      flush: { type: 'boolean', description: 'Whether it replaces what waits for the device.' },
      validUntil: time('Not submitted any more from then on.'),
      correlationId,
    },
    ['deviceId', 'devEui', 'connectionId', 'fPort', 'payloadEncoding', 'confirmed', 'flush', 'validUntil', 'correlationId'],
  ),
};

const thingParkForm: Schema = {
  title: "ThingPark's form",
  ...object(
    {
      DevEUI_downlink: object(
        {
          DevEUI: text('The device, where `deviceId` is absent.'),
          FPort: { type: ['integer', 'string'], description: 'FPort.' },
          payload_hex: text('FRMPayload, hex.'),
          Confirmed: { type: ['integer', 'string', 'boolean'], description: '1 for a confirmed downlink.' },
          FlushDownlinkQueue: { type: ['integer', 'string', 'boolean'], description: '1 to replace what waits.' },
          ValidityTime: { type: ['integer', 'string'], description: 'ISO 8601, or seconds from now.' },
          CorrelationID: correlationId,
        },
        ['DevEUI', 'FPort', 'payload_hex', 'Confirmed', 'FlushDownlinkQueue', 'ValidityTime', 'CorrelationID'],
      ),
      deviceId: text('The device, where `DevEUI` is absent.'),
      connectionId,
    },
    ['deviceId', 'connectionId'],
  ),
};

const theThingsStackForm: Schema = {
  title: "The Things Stack's form",
  ...object(
    {
      downlinks: listOf(
        object(
          {
            f_port: integer('FPort.'),
            frm_payload: text('FRMPayload, base64.'),
            decoded_payload: { type: 'object', description: "For the network server's own encoder." },
            confirmed: { type: 'boolean', description: 'Whether the device must acknowledge it.' },
            priority: text('LOWEST to HIGHEST.'),
            correlation_ids: listOf(text('One id.'), "The caller's own ids; the first comes back in every status."),
          },
          ['f_port', 'frm_payload', 'decoded_payload', 'confirmed', 'priority', 'correlation_ids'],
        ),
        'Each stands for itself.',
        { minItems: 1, maxItems: 500 },
      ),
      end_device_ids: object({ dev_eui: text('The device, where `deviceId` is absent.') }, ['dev_eui']),
      deviceId: text('The device, where `dev_eui` is absent.'),
      connectionId,
    },
    ['end_device_ids', 'deviceId', 'connectionId'],
  ),
};

/** What POST /downlinks takes; the bridge reads it by the same rules as a message from AWS, and tells what is wrong by field. */
export const downlinkBody: Schema = {
  description: 'One of three forms, as they may also be published to AWS, with the device beside.',
  anyOf: [nativeForm, thingParkForm, theThingsStackForm],
  examples: [
    { deviceId: '70b3d5e75e00a1b2', fPort: 2, payload: '0a0b0c', confirmed: true, correlationId: 'valve-17' },
    { DevEUI_downlink: { DevEUI: '70B3D5E75E00A1B2', FPort: 2, payload_hex: '0a0b0c', Confirmed: '1' } },
    { end_device_ids: { dev_eui: '70B3D5E75E00A1B2' }, downlinks: [{ f_port: 2, frm_payload: 'CgsM', priority: 'NORMAL' }] },
  ],
};

const posted: Schema = object(
  {
    id: text('Names it in `GET /downlinks/{id}` and in every status; absent where it was not taken.'),
    state: downlinkState,
    duplicate: { type: 'boolean', description: 'True where it came before and is not there twice.' },
    correlationId,
    error: object({ reason, message: text('What is wrong.'), field: text('Path of the wrong field.') }, ['field'], { description: 'Why it was not taken.' }),
  },
  ['id', 'duplicate', 'correlationId', 'error'],
);

export const postedAnswer: Schema = object({ downlinks: listOf(posted, 'One for each downlink of the document, in its order.') }, [], {
  description: 'Stored; the network server gets it as soon as its turn comes. With several downlinks in the document, some may have been refused.',
  headers: { location: { type: 'string', description: 'Where the life of the first one is told.' } },
});

export const lifeAnswer: Schema = object(
  {
    id: text('Id of the downlink.'),
    connection: text('Connection that it came from.'),
    device: text('Device id.'),
    networkServer: text('Network server that it goes to.'),
    correlationId,
    state: downlinkState,
    steps: listOf(object({ state: downlinkState, time: time('When.'), attempt: integer('Which attempt to submit it this is about; 0 before the first.'), cause }, ['cause']), 'Each change of its state, oldest first; at most the last 64.'),
  },
  ['networkServer', 'correlationId'],
  { description: 'The life of the downlink so far. Kept for a day after its last change.' },
);
