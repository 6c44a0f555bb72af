import type { z } from 'zod';
import { otherTypes } from '../topics/type-patterns.js';
import { crossCheck, list, listOf, section, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { boolean, duration, id, ids, maxName, name, readInteger, readText } from './scalars.js';

/** Both ends included. */
export interface RangeOf<T> {
  readonly from: T;
  readonly to: T;
}

const devicePattern = /^[0-9a-fA-F]{1,16}(-[0-9a-fA-F]{1,16})?$/;

/** `0018B200…01`, or `from-to`: lower-case hex, both ends of one length. A range holds ids of its own length only. */
const readDevices = (value: unknown): RangeOf<string> => {
  if (typeof value !== 'string' || !devicePattern.test(value)) return wrong('must be a device id in quotes, hex, or two with a dash between them');
  const [from = '', to = from] = value.toLowerCase().split('-');
  if (from.length !== to.length) return wrong('must be a range whose ends have the same length');
  return from > to ? wrong('must be a range that begins with the lower end') : { from, to };
};

const devices = (spec: FieldSpec) => listOf(spec, { what: 'devices', min: 1, read: readDevices, json: { type: 'string', pattern: devicePattern.source } });

/** FPort is one byte (LoRaWAN 1.0.4, 4.3.2). */
const fPortRange = { min: 0, max: 255 };
const fPortsPattern = /^(\d{1,3})-(\d{1,3})$/;

const readFPorts = (value: unknown): RangeOf<number> => {
  const [, first, last] = typeof value === 'string' ? (fPortsPattern.exec(value) ?? []) : [];
  const [from, to] = [readInteger(first ?? value, fPortRange), readInteger(last ?? value, fPortRange)];
  return from > to ? wrong('must be a range that begins with the lower end') : { from, to };
};

const fPorts = (spec: FieldSpec) =>
  listOf(spec, { what: 'FPorts', min: 1, read: readFPorts, json: { type: ['integer', 'string'], minimum: fPortRange.min, maximum: fPortRange.max, pattern: '^\\s*\\d+\\s*$|^\\d{1,3}-\\d{1,3}$' } });

/** What `messages/` calls its types: config takes the names from the topics, whose patterns they have. */
const messageTypes = ['uplink', ...otherTypes] as const;
type MessageType = (typeof messageTypes)[number];

const readType = (value: unknown): MessageType => messageTypes.find((type) => type === value) ?? wrong(`must be one of ${messageTypes.join(', ')}`);

const types = (spec: FieldSpec) => listOf(spec, { what: 'message types', min: 1, read: readType, json: { type: 'string', enum: messageTypes } });

const names = (spec: FieldSpec, what: string) => listOf(spec, { what, min: 1, read: (value) => readText(value, maxName), json: { type: 'string', pattern: '\\S', maxLength: maxName } });

const conditions = {
  tags: names({ description: 'Tags of the device, all of which must be there: `tag`, or `key=value` where the network server has values.', hint: '[site=Paris]' }, 'tags').exactOptional(),
  devices: devices({ description: 'Device ids, hex, and ranges of them with both ends.', hint: "['0018b20000000001', '0018b20000000100-0018b200000001ff']" }).exactOptional(),
  applications: names({ description: 'Names or ids of applications of the network server.', hint: '[parking]' }, 'applications').exactOptional(),
  fPorts: fPorts({ description: 'FPorts and ranges of them. Messages without an FPort do not match.', hint: "[1, '10-20']" }).exactOptional(),
  types: types({ description: `Message types: ${messageTypes.join(', ')}.`, hint: '[uplink, join]' }).exactOptional(),
};

const checkConditions = (value: Loose, report: Report): void => {
  const keys = Object.keys(conditions);
  if (keys.every((key) => value[key] === undefined)) report([], `needs one of ${keys.join(', ')}`);
};

const matcher = section('A message matches when everything that is written here holds.', conditions).check(crossCheck(checkConditions));

/** Which messages go where. Ids of others are checked by whoever knows all resources. */
export const flowSchema = section('A flow: which messages of which network servers go to which connections.', {
  id: id({ description: 'Names the flow.', hint: 'factory-to-main' }),
  name: name({ description: 'For people.', hint: 'Factory to main account' }).optional(),
  active: boolean({ description: '`false`: it takes nothing.' }).prefault(true),
  networkServers: ids({ description: 'Network servers whose messages it takes; all of them when absent.', hint: '[factory]' }).optional(),
  matchers: list('Which of their messages it takes: those that match any of these; all of them when there is none.', matcher).prefault([]),
  connections: ids({ description: 'Connections that each of the messages goes to.', hint: '[main]' }),
  uplinkTimeValidity: duration({ description: "How long its messages may wait for AWS, in place of the connection's own time.", hint: '5m' }, { min: '1s', max: '3650d' }).optional(),
});

export type FlowConfig = z.output<typeof flowSchema>;
