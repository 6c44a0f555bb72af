import type { DeviceInfo } from '../../messages/message.js';
import { present, restOf } from '../entries.js';
import { hexField, objectField, required, textField, textMap, timeField, type Fields } from '../fields.js';
import type { Envelope } from './envelope.js';

/** The envelope of ChirpStack 4 (`api/proto/integration/integration.proto`): the device in `deviceInfo`, ids in hex. */
export const readEnvelope4 = (root: Fields): Envelope => {
  const info = required(objectField(root, 'deviceInfo'), root, 'deviceInfo');
  const devEui = required(hexField(info, 'devEui', { bytes: 8 }), info, 'devEui');
  const time = timeField(root, 'time');
  const rest = restOf(info, infoUsed);
  return {
    version: 4,
    root,
    used: envelopeUsed,
    common: present({ deviceId: devEui, devEui, time: time?.iso, devAddr: hexField(root, 'devAddr', { bytes: 4 }), device: readDevice(info) }),
    deduplicationId: textField(root, 'deduplicationId'),
    time,
    native: present({ deduplicationId: textField(root, 'deduplicationId'), deviceInfo: rest }),
  };
};

const envelopeUsed = new Set(['deduplicationId', 'time', 'deviceInfo', 'devAddr']);

const infoUsed = new Set(['deviceName', 'applicationName', 'applicationId', 'deviceProfileName', 'deviceClassEnabled', 'devEui', 'tags']);

const readDevice = (info: Fields): DeviceInfo =>
  present({
    name: textField(info, 'deviceName'),
    application: textField(info, 'applicationName'),
    applicationId: textField(info, 'applicationId'),
    profile: textField(info, 'deviceProfileName'),
    class: textField(info, 'deviceClassEnabled')?.replace(/^CLASS_/, ''),
    tags: textMap(info, 'tags'),
  });
