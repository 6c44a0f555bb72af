import type { DownlinkState } from '../../messages/message.js';
import { fieldError } from '../../errors.js';
import { present } from '../entries.js';
import { integerField, numberField, pathOf, required, textField } from '../fields.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, identify, sequenceNumber } from './common-fields.js';
import { coordinates } from './position.js';
import { deviceId, type Variables } from './variables.js';

/** SERVICE/STATUS: battery and temperature of the device. */
export const readStatus = (variables: Variables): ParsedMessage => {
  const { fields, key } = variables;
  const sequence = sequenceNumber(variables);
  const common = commonFields(variables, { subtype: 'STATUS', used: ['batt', 'temp', 'seqNumber'], native: present({ seqNumber: sequence }) });
  const measured = present({ batteryV: numberField(fields, key('batt')), temperatureC: numberField(fields, key('temp')) });
  return { fields: { type: 'status', ...common, event: 'battery', ...measured }, ...identify(variables, 'status') };
};

/** SERVICE/REPEATER: the counters of a repeater are in `native`. */
export const readRepeater = (variables: Variables): ParsedMessage => {
  const { fields, key } = variables;
  const common = commonFields(variables, { subtype: 'REPEATER', used: ['batt'] });
  const measured = present({ batteryV: numberField(fields, key('batt')) });
  return { fields: { type: 'status', ...common, event: 'repeater', ...measured }, ...identify(variables, 'repeater') };
};

/** infoCode of SERVICE/ACKNOWLEDGE, by its number. */
const infoCodes = [
  'ACKED', 'NO_ANSWER', 'INVALID_PAYLOAD', 'OVERRUN_ERROR', 'NETWORK_ERROR', 'PENDING', 'NO_DOWNLINK_CONTRACT', 'TOO_MANY_REQUESTS', 'INVALID_CONFIGURATION',
] as const;

const stateOf = (code: number): DownlinkState => {
  const name = infoCodes[code];
  if (name === 'ACKED') return 'acknowledged';
  return name === 'PENDING' ? 'submitted' : 'failed';
};

/** SERVICE/ACKNOWLEDGE: what became of the downlink that answered a bidirectional callback. */
export const readAcknowledge = (variables: Variables): ParsedMessage => {
  const { fields, key } = variables;
  const code = required(integerField(fields, key('infoCode'), 0, 999), fields, key('infoCode'));
  const sequence = sequenceNumber(variables);
  const text = textField(fields, key('infoMessage'));
  const native = present({ infoCode: code, seqNumber: sequence, ...(code === 0 ? { infoMessage: text } : {}) });
  const common = commonFields(variables, { subtype: 'ACKNOWLEDGE', used: ['infoCode', 'infoMessage', 'seqNumber'], native });
  const cause = code === 0 ? undefined : present({ code: infoCodes[code] ?? String(code), text });
  return {
    fields: { type: 'downlink-status', ...common, state: stateOf(code), event: 'ACKNOWLEDGE', ...(cause === undefined ? {} : { cause }) },
    ...identify(variables, 'acknowledge', [String(code)]),
  };
};

/** SERVICE/GEOLOC, which DATA_ADVANCED replaced in 2019: here lat and lng are the device's. */
export const readGeoloc = (variables: Variables): ParsedMessage => {
  const { fields, key } = variables;
  const at = required(coordinates(fields, key('lat'), key('lng')), fields, variables.has('lat') ? key('lng') : key('lat'));
  const position = present({ ...at, accuracyM: numberField(fields, key('radius')), source: textField(fields, key('geolocSource')) });
  const sequence = sequenceNumber(variables);
  const used = ['lat', 'lng', 'radius', 'geolocSource', 'seqNumber'];
  const common = commonFields(variables, { subtype: 'GEOLOC', used, gateways: [], native: present({ seqNumber: sequence }) });
  return { fields: { type: 'location', ...common, position }, ...identify(variables, 'geoloc') };
};

/** ERROR: the network noticed that the device's messages fail to come, or has trouble itself. */
export const readError = (variables: Variables): ParsedMessage => {
  const { fields, key } = variables;
  const severity = textField(fields, key('severity'));
  const text = textField(fields, key('info'));
  const common = commonFields(variables, { subtype: 'ERROR', used: ['severity', 'info'] });
  return { fields: { type: 'alarm', ...common, ...present({ severity, text }) }, ...identify(variables, 'error', [severity, text]) };
};

/** Ids under which an EVENT may name what it is about, most exact first. */
const eventSources = ['device', 'sourceId', 'deviceTypeId', 'groupId'];

/** EVENT callbacks exist for groups and device types too: then the source's id stands in the device's place. */
export const readEvent = (variables: Variables): ParsedMessage => {
  const { fields, key } = variables;
  const source = eventSources.find((name) => variables.has(name));
  if (source === undefined) throw fieldError(pathOf(fields, key('device')), 'is required');
  const severity = textField(fields, key('severity'));
  const code = textField(fields, key('eventType'));
  const id = deviceId(variables, source, source === 'device' ? 16 : 24);
  const common = commonFields(variables, { subtype: 'EVENT', used: ['severity', 'eventType'], deviceId: id });
  return { fields: { type: 'alarm', ...common, ...present({ severity, code }) }, ...identify(variables, 'event', [severity, code]) };
};
