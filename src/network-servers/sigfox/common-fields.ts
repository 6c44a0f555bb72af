import { fieldError } from '../../errors.js';
import type { CommonFields, Gateway } from '../../messages/message.js';
import { present } from '../entries.js';
import { integerField, numberField, pathOf, textField, type Instant } from '../fields.js';
import { knownCoordinates } from './position.js';
import type { Subtype } from './subtype.js';
import { callbackTime, deviceId, type Variables } from './variables.js';

export interface CommonParts {
  readonly subtype: Subtype;
  /** Variables that the caller reads itself: they are not repeated in `native`. */
  readonly used?: readonly string[];
  readonly native?: Readonly<Record<string, unknown>>;
  /** Instead of the station of the callback; none when empty. */
  readonly gateways?: readonly Gateway[] | undefined;
  readonly deviceId?: string;
}

export const sequenceNumber = ({ fields, key }: Variables): number | undefined => integerField(fields, key('seqNumber'), 0, 0xffffffff);

const stationKeys = ['station', 'rssi', 'snr', 'lat', 'lng'];

const station = (variables: Variables): Gateway | undefined => {
  const { fields, key } = variables;
  const id = textField(fields, key('station'));
  if (id === undefined) return undefined;
  return present({
    id: id.toLowerCase(),
    rssiDbm: numberField(fields, key('rssi')),
    snrDb: numberField(fields, key('snr')),
    // Old callbacks give the station's position, in whole degrees.
    ...knownCoordinates(variables, 'lat', 'lng'),
  });
};

/** What every callback may have; all that nobody reads goes to `native` under its own key, with the subtype. */
export const commonFields = (variables: Variables, parts: CommonParts): CommonFields => {
  const { fields, key } = variables;
  const own = parts.gateways === undefined ? station(variables) : undefined;
  const gateways = parts.gateways ?? (own === undefined ? [] : [own]);
  const applicationId = textField(fields, key('deviceTypeId'));
  const used = ['device', 'time', 'deviceTypeId', ...(own === undefined ? [] : stationKeys), ...(parts.used ?? [])];
  return present({
    deviceId: parts.deviceId ?? deviceId(variables),
    time: callbackTime(variables)?.iso,
    radio: gateways.length === 0 ? undefined : { gateways },
    // The device type is what groups devices and their callbacks at Sigfox.
    device: applicationId === undefined ? undefined : { applicationId },
    native: { subtype: parts.subtype, ...variables.others(used), ...parts.native },
  });
};

export interface Identification {
  readonly idempotencyKey: string;
  readonly eventTimeMs?: number;
}

/**
 * Sigfox sends a callback again after 1, 2 and 4 minutes, with the same time and sequence number. The name keeps apart what one
 * device message triggers: DATA and BIDIR are the same record, DATA_ADVANCED is another. Without both numbers a second message
 * could not be told from a repetition, so one of them must be there.
 */
export const identify = (variables: Variables, name: string, extra: readonly (string | undefined)[] = []): Identification => {
  const instant: Instant | undefined = callbackTime(variables);
  const sequence = sequenceNumber(variables);
  if (instant === undefined && sequence === undefined) throw fieldError(pathOf(variables.fields, variables.key('time')), 'is required, or seqNumber');
  return present({
    idempotencyKey: [name, sequence ?? '', instant?.ms ?? '', ...extra.map((part) => part ?? '')].join('|'),
    eventTimeMs: instant?.ms,
  });
};
