import type { Gateway } from '../../messages/message.js';
import { present, restOf } from '../entries.js';
import { booleanField, hexField, numberField, objectList, required, textField, type Fields } from '../fields.js';
import { embeddedJson } from '../body-text.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, identify, sequenceNumber } from './common-fields.js';
import { computedPosition, fixedPosition } from './position.js';
import { embeddedFields, type Variables } from './variables.js';

/** A Sigfox uplink carries 0 to 12 bytes. */
const payload = ({ fields, key }: Variables): string => hexField(fields, key('data'), { maxBytes: 12 }) ?? '';

/** Without a sequence number the payload tells two messages of one second apart. */
const identifyUplink = (variables: Variables, name: string, data: string) =>
  identify(variables, name, sequenceNumber(variables) === undefined ? [data] : []);

const frameFields = (variables: Variables, data: string) => present({ fCnt: sequenceNumber(variables), payload: data });

/** DATA/UPLINK and DATA/BIDIR. `ack` true asks for a downlink, which is the answer to this very callback. */
export const readData = (variables: Variables, subtype: 'DATA' | 'BIDIR'): ParsedMessage[] => {
  const { fields, key } = variables;
  const data = payload(variables);
  const native = present({ downlinkRequested: booleanField(fields, key('ack')), longPolling: booleanField(fields, key('longPolling')) });
  const common = commonFields(variables, { subtype, used: ['data', 'seqNumber', 'ack', 'longPolling'], native });
  return [{ fields: { type: 'uplink', ...common, ...frameFields(variables, data) }, ...identifyUplink(variables, 'data', data) }];
};

/** `duplicates` lists every base station that received the message. */
const receivers = (variables: Variables): Gateway[] | undefined => {
  const list = embeddedJson(variables.value('duplicates'));
  const root: Fields = { path: variables.fields.path, value: { [variables.key('duplicates')]: list } };
  const gateways = objectList(root, variables.key('duplicates')).map((fields) => present({
    id: required(textField(fields, 'bsId'), fields, 'bsId').toLowerCase(),
    rssiDbm: numberField(fields, 'rssi'),
    snrDb: numberField(fields, 'snr'),
    native: restOf(fields, new Set(['bsId', 'rssi', 'snr'])),
  }));
  return gateways.length === 0 ? undefined : gateways;
};

/** SERVICE/DATA_ADVANCED: a second, fuller record of an uplink some 30 s later, and the computed location as a message of its own. */
export const readDataAdvanced = (variables: Variables): ParsedMessage[] => {
  const data = payload(variables);
  const gateways = receivers(variables);
  const computed = computedPosition(variables);
  const fixed = fixedPosition(variables);
  const used = ['data', 'seqNumber', ...(gateways === undefined ? [] : ['duplicates']), ...(fixed === undefined ? [] : ['fixedLat', 'fixedLng'])];
  const location = embeddedFields(variables, 'computedLocation')?.value;
  const native = present({ computedLocation: location });
  const common = commonFields(variables, { subtype: 'DATA_ADVANCED', used: [...used, 'computedLocation'], gateways, native });
  const identification = identifyUplink(variables, 'data_advanced', data);
  const position = computed ?? fixed;
  const uplink: ParsedMessage = {
    fields: { type: 'uplink', ...common, ...frameFields(variables, data), ...(position === undefined ? {} : { position }) },
    ...identification,
  };
  if (computed === undefined) return [uplink];
  return [uplink, { fields: { type: 'location', ...common, position: computed }, ...identification }];
};
