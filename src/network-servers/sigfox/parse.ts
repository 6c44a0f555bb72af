import type { NetworkServerAdapter, ParsedMessage, WebhookRequest } from '../network-server.js';
import { readSigfox, type SigfoxCallback } from './read.js';
import { readAcknowledge, readError, readEvent, readGeoloc, readRepeater, readStatus } from './service.js';
import { subtypeOf, type Subtype } from './subtype.js';
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

const parseCallback = ({ variables, line }: SigfoxCallback, path: string): ParsedMessage[] => {
  const messages = readers[subtypeOf(path, variables)](variables);
  return line === undefined ? messages : messages.map((message) => ({ ...message, original: Buffer.from(line, 'utf8') }));
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
};
