import type { AlarmFields, DownlinkState, DownlinkStatusFields, JoinFields, LocationFields, MessageFields, StatusFields } from '../../messages/message.js';
import { present } from '../entries.js';
import { booleanField, integerField, numberField, required, textField, type Fields } from '../fields.js';
import { positionField } from '../position.js';
import { commonFields, type Envelope } from './envelope.js';
import type { EventName } from './event-name.js';
import { readRadio } from './radio.js';
import { parseUplink } from './uplink.js';

const parseJoin = (envelope: Envelope): JoinFields => {
  const { radio, txInfo } = readRadio(envelope);
  return { type: 'join', ...commonFields(envelope, new Set(['rxInfo', 'txInfo']), txInfo), ...present({ radio }) };
};

/** `ack`: the device acknowledged a confirmed downlink, or did not in time. */
const parseAck = (envelope: Envelope): DownlinkStatusFields => {
  const acknowledged = booleanField(envelope.root, 'acknowledged') ?? false;
  if (acknowledged) return downlinkStatus(envelope, 'ack', 'acknowledged');
  return { ...downlinkStatus(envelope, 'ack', 'failed'), cause: { text: 'the device did not acknowledge in time' } };
};

const downlinkUsed = new Set(['acknowledged', 'queueItemId', 'downlinkId', 'fCntDown', 'fCnt', 'rxInfo', 'txInfo', 'gatewayId', 'gatewayID']);

const downlinkStatus = (envelope: Envelope, event: EventName, state: DownlinkState): DownlinkStatusFields => {
  const { root } = envelope;
  const { radio, txInfo } = readRadio(envelope);
  const correlationIds = [textField(root, 'queueItemId'), textField(root, 'downlinkId')].filter((id) => id !== undefined);
  return {
    type: 'downlink-status',
    ...commonFields(envelope, downlinkUsed, txInfo),
    ...present({ radio }),
    state,
    event,
    fCnt: integerField(root, 'fCntDown', 0, 0xffff_ffff) ?? integerField(root, 'fCnt', 0, 0xffff_ffff) ?? 0,
    ...(correlationIds.length === 0 ? {} : { correlationIds }),
  };
};

/** `log`: enum values that are 0 (`INFO`, `UNKNOWN`) are left out by ChirpStack 4.0. */
const parseLog = (envelope: Envelope): AlarmFields => ({
  type: 'alarm',
  ...commonFields(envelope, new Set(['level', 'code', 'description'])),
  ...present({
    severity: textField(envelope.root, 'level') ?? 'INFO',
    code: textField(envelope.root, 'code') ?? 'UNKNOWN',
    text: textField(envelope.root, 'description'),
  }),
});

/** `error` of ChirpStack 3; a `fCnt` in `native` is that of the downlink that failed. */
const parseError = (envelope: Envelope): AlarmFields => ({
  type: 'alarm',
  ...commonFields(envelope, new Set(['type', 'error'])),
  ...present({ severity: 'ERROR', code: textField(envelope.root, 'type'), text: textField(envelope.root, 'error') }),
});

/** `status`: DevStatusAns (LoRaWAN 1.0.4, 5.5). The battery level counts only where the device runs on one and measures it. */
const parseStatus = (envelope: Envelope): StatusFields => {
  const { root } = envelope;
  const externalPower = booleanField(root, 'externalPowerSource') ?? false;
  const measured = !externalPower && booleanField(root, 'batteryLevelUnavailable') !== true;
  return {
    type: 'status',
    ...commonFields(envelope, new Set(['margin', 'externalPowerSource', 'batteryLevel'])),
    event: 'battery',
    ...present({
      batteryPercent: measured ? percentField(root, 'batteryLevel') : undefined,
      externalPower,
      marginDb: integerField(root, 'margin', -128, 127) ?? 0,
    }),
  };
};

/** A 32-bit float in ChirpStack's JSON: 88.3 may come as 88.30000305175781. */
const percentField = (root: Fields, key: string): number | undefined => {
  const level = numberField(root, key);
  return level === undefined ? undefined : Math.round(level * 100) / 100;
};

const parseLocation = (envelope: Envelope): LocationFields => ({
  type: 'location',
  ...commonFields(envelope, new Set(['location'])),
  position: required(positionField(envelope.root, 'location'), envelope.root, 'location'),
});

/** What an integration such as LoRa Cloud says in its own words: `integrationName`, `eventType` and `object` stay in `native`. */
const parseIntegration = (envelope: Envelope): StatusFields => ({ type: 'status', ...commonFields(envelope, new Set()), event: 'integration' });

/** The reader of each event: envelope in, message out. */
export const eventParsers: Readonly<Record<EventName, (envelope: Envelope) => MessageFields>> = {
  up: parseUplink,
  join: parseJoin,
  ack: parseAck,
  txack: (envelope) => downlinkStatus(envelope, 'txack', 'sent'),
  log: parseLog,
  error: parseError,
  status: parseStatus,
  location: parseLocation,
  integration: parseIntegration,
};
