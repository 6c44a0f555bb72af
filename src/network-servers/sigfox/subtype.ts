import { BridgeError } from '../../errors.js';
import type { Variables } from './variables.js';

export const subtypes = ['DATA', 'BIDIR', 'DATA_ADVANCED', 'STATUS', 'ACKNOWLEDGE', 'REPEATER', 'GEOLOC', 'ERROR', 'EVENT'] as const;
export type Subtype = (typeof subtypes)[number];

/** Paths below `/in/{id}`, in lower case without `-` and `_`. `undefined`: the keys of the callback decide. */
const paths: ReadonlyMap<string, Subtype | undefined> = new Map<string, Subtype | undefined>([
  ['', undefined],
  ['service', undefined],
  // A callback on /data may turn out to be bidirectional by its variable `ack`.
  ['data', 'DATA'],
  ['data/uplink', 'DATA'],
  ['uplink', 'DATA'],
  ['data/bidir', 'BIDIR'],
  ['bidir', 'BIDIR'],
  ['data/advanced', 'DATA_ADVANCED'],
  ['dataadvanced', 'DATA_ADVANCED'],
  ['data/dataadvanced', 'DATA_ADVANCED'],
  ['service/dataadvanced', 'DATA_ADVANCED'],
  ['service/status', 'STATUS'],
  ['status', 'STATUS'],
  ['service/acknowledge', 'ACKNOWLEDGE'],
  ['acknowledge', 'ACKNOWLEDGE'],
  ['service/repeater', 'REPEATER'],
  ['repeater', 'REPEATER'],
  ['service/geoloc', 'GEOLOC'],
  ['geoloc', 'GEOLOC'],
  ['error', 'ERROR'],
  ['event', 'EVENT'],
]);

/** Variables that only one subtype has, in the order of asking: DATA may carry customer variables with the names of later ones. */
const marks: readonly (readonly [Subtype, readonly string[]])[] = [
  ['DATA_ADVANCED', ['computedLocation', 'lqi', 'linkQuality', 'duplicates', 'operatorName']],
  ['ACKNOWLEDGE', ['infoCode', 'downlinkAck', 'downlinkOverusage']],
  ['BIDIR', ['ack', 'longPolling']],
  ['DATA', ['data']],
  ['REPEATER', ['whitelistDevices', 'repeatedMsg', 'unwantedDevices', 'unwantedMsg']],
  ['STATUS', ['batt', 'temp']],
  ['GEOLOC', ['geolocSource', 'radius']],
  ['EVENT', ['eventType', 'sourceType']],
  ['ERROR', ['severity', 'info']],
  ['DATA', ['seqNumber']],
];

const byKeys = (variables: Variables): Subtype => {
  const mark = marks.find(([, names]) => names.some((name) => variables.has(name)));
  if (mark !== undefined) return mark[0];
  // An uplink of 0 bytes has an empty {data}.
  if (Object.hasOwn(variables.fields.value, variables.key('data'))) return 'DATA';
  throw new BridgeError('unsupported_document', { detail: 'no variable tells the type of this callback; put it in the path, such as /data or /service/status' });
};

const normalPath = (path: string): string => path.toLowerCase().replace(/[-_]/g, '').replace(/^\/+|\/+$/g, '');

export const isBidirPath = (path: string): boolean => paths.get(normalPath(path)) === 'BIDIR';

/** The subtype of a callback by the path it was sent to, else by the variables it has. @throws unsupported_document */
export const subtypeOf = (path: string, variables: Variables): Subtype => {
  const normal = normalPath(path);
  if (!paths.has(normal)) throw new BridgeError('unsupported_document', { detail: 'no callback type of Sigfox has this path' });
  const subtype = paths.get(normal) ?? byKeys(variables);
  return subtype === 'DATA' && variables.has('ack') ? 'BIDIR' : subtype;
};
