import { merged } from '../entries.js';
import { booleanField, textField } from '../fields.js';
import type { NetworkServerAdapter, ParsedMessage, WebhookRequest } from '../network-server.js';
import { answerCallback } from './downlink.js';
import { readSigfox, type SigfoxCallback } from './read.js';
import { readAcknowledge, readError, readEvent, readGeoloc, readRepeater, readStatus } from './service.js';
import { isBidirPath, subtypeOf, type Subtype } from './subtype.js';
import { readData, readDataAdvanced } from './uplink.js';
import type { Variables } from './variables.js';

const readers: Readonly<Record<Subtype, (variables: Variables) => ParsedMessage[]>> = {
  DATA: (variables) => readData(variables, 'DATA'),
  BIDIR: (variables) => readData(variables, 'BIDIR'),
  DATA_ADVANCED: readDataAdvanced,
  STATUS: (variables) => [readStatus(variables)],
  ACKNOWLEDGE: (variables) => [readAcknowledge(variables)],
  REPEATER: (variables) => [readRepeater(variables)],
  GEOLOC: (variables) => [readGeoloc(variables)],
  ERROR: (variables) => [readError(variables)],
  EVENT: (variables) => [readEvent(variables)],
};

/** A bidirectional callback asks for a downlink by its variable `ack`; where the template leaves that out, by its path. */
const downlinkRequest = (variables: Variables, path: string): Pick<ParsedMessage, 'downlinkRequest'> => {
  const { fields, key } = variables;
  const asks = booleanField(fields, key('ack')) ?? isBidirPath(path);
  const device = textField(fields, key('device'));
  return asks && device !== undefined ? { downlinkRequest: { device } } : {};
};

const parseCallback = ({ variables, line }: SigfoxCallback, path: string): ParsedMessage[] => {
  const subtype = subtypeOf(path, variables);
  const more = {
    ...(line === undefined ? {} : { original: Buffer.from(line, 'utf8') }),
    ...(subtype === 'BIDIR' ? downlinkRequest(variables, path) : {}),
  };
  return readers[subtype](variables).map((message) => merged(message, more));
};

const parseSigfox = (callbacks: SigfoxCallback[], request: WebhookRequest): ParsedMessage[] =>
  callbacks.flatMap((callback) => parseCallback(callback, request.path));

/** The Sigfox cloud: its callbacks are templates that the customer writes, with any method, encoding and keys. */
export const sigfox: NetworkServerAdapter<SigfoxCallback[]> = {
  kind: 'sigfox',
  methods: ['GET', 'POST', 'PUT'],
  mediaTypes: ['application/x-www-form-urlencoded', 'application/json', 'text/plain', ''],
  read: readSigfox,
  parse: parseSigfox,
  answer: answerCallback,
};
