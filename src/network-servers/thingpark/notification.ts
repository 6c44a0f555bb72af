import { present } from '../entries.js';
import { integerField, required, textField, type Fields } from '../fields.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, deviceIdentity, documentTime, keyOf } from './common-fields.js';

/**
 * Battery of a DevStatusAns (LoRaWAN 1.0.4, 5.5): 0 external power, 1 (empty) to 254 (full), 255 not measured. In percent with
 * one decimal, as finely as 254 steps allow.
 */
const battery = (level: number | undefined): { readonly batteryPercent?: number; readonly externalPower?: boolean } => {
  if (level === undefined || level === 255) return {};
  return level === 0 ? { externalPower: true } : { externalPower: false, batteryPercent: Math.round(((level - 1) / 253) * 1000) / 10 };
};

/** DevStatusAns: Var1 is the battery, Var2 the demodulation margin in dB. */
const deviceStatus = (body: Fields) =>
  present({ ...battery(integerField(body, 'Var1', 0, 255)), marginDb: integerField(body, 'Var2', -32, 31) });

/** DevEUI_notification: `join`, `devstatusans`, `reset`; a type that we do not know is a status of its own name. */
export const readNotification = (body: Fields): ParsedMessage => {
  const identity = deviceIdentity(body);
  const kind = required(textField(body, 'Type'), body, 'Type').toLowerCase();
  const instant = documentTime(body);
  const common = commonFields(body, { identity, instant, used: ['Type'] });
  const rest = { idempotencyKey: keyOf(`notification ${kind}`, body, ['Time', 'FCntDn', 'Var1', 'Var2']), eventTimeMs: instant.ms };
  if (kind === 'join') return { fields: { type: 'join', ...common }, ...rest };
  if (kind === 'devstatusans') return { fields: { type: 'status', ...common, event: 'battery', ...deviceStatus(body) }, ...rest };
  return { fields: { type: 'status', ...common, event: kind }, ...rest };
};
