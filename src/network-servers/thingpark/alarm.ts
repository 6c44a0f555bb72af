import { fieldError } from '../../errors.js';
import { pathOf, required, textField, timeField, type Fields } from '../fields.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, deviceIdentity, keyOf, type Identity } from './common-fields.js';

interface AlarmSource {
  readonly name: string;
  readonly identity: Identity;
  readonly used: readonly string[];
  readonly native?: Readonly<Record<string, unknown>>;
}

/** Alarms have no Time: the last change of the alarm is when it happened. */
const alarmMessage = (body: Fields, { name, identity, used, native = {} }: AlarmSource): ParsedMessage => {
  const code = required(textField(body, 'ID'), body, 'ID');
  const instant = required(timeField(body, 'LastUpdateTime') ?? timeField(body, 'CreationTime'), body, 'LastUpdateTime');
  return {
    fields: { type: 'alarm', ...commonFields(body, { identity, instant, used: ['ID', 'LastUpdateTime', ...used], native }), code },
    idempotencyKey: keyOf(name, body, ['ID', 'State', 'CreationTime', 'LastUpdateTime', 'Occurrence']),
    eventTimeMs: instant.ms,
  };
};

export const readDeviceAlarm = (body: Fields): ParsedMessage => alarmMessage(body, { name: 'DevEUI_alarm', identity: deviceIdentity(body), used: [] });

/** An alarm of a base station has no device: the base station's id stands in its place. */
export const readGatewayAlarm = (body: Fields): ParsedMessage => {
  const text = required(textField(body, 'LrrID'), body, 'LrrID');
  if (!/^[0-9a-fA-F]{1,16}$/.test(text)) throw fieldError(pathOf(body, 'LrrID'), 'must be 1 to 16 hexadecimal digits');
  const gatewayId = text.toLowerCase();
  return alarmMessage(body, { name: 'BS_alarm', identity: { deviceId: gatewayId }, used: ['LrrID'], native: { gatewayId } });
};
