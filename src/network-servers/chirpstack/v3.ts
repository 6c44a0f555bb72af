import { present } from '../entries.js';
import { base64Field, hexField, objectList, required, textField, textMap, timeField, type Fields, type Instant } from '../fields.js';
import type { Envelope } from './envelope.js';

/**
 * The envelope of ChirpStack 3: everything at the root, and two marshalers. JSON is protobuf's JSON, in which ids are bytes and
 * so base64; JSON_V3 writes them in hex (`internal/integration/marshaler` of chirpstack-application-server).
 */
export const readEnvelope3 = (root: Fields): Envelope => {
  const devEui = required(bytesField(root, 'devEUI', 8), root, 'devEUI');
  const time = timeOf(root);
  const device = present({
    name: textField(root, 'deviceName'),
    application: textField(root, 'applicationName'),
    applicationId: textField(root, 'applicationID'),
    profile: textField(root, 'deviceProfileName'),
    tags: textMap(root, 'tags'),
  });
  return {
    version: 3,
    root,
    used: envelopeUsed,
    common: present({ deviceId: devEui, devEui, time: time?.iso, devAddr: bytesField(root, 'devAddr', 4), device }),
    deduplicationId: undefined,
    time,
    native: present({ publishedAt: textField(root, 'publishedAt') }),
  };
};

const envelopeUsed = new Set(['applicationID', 'applicationName', 'deviceName', 'deviceProfileName', 'devEUI', 'devAddr', 'tags', 'publishedAt']);

/**
 * Bytes as lower-case hex, from either marshaler. Their shapes cannot be mixed up: the base64 of 8 bytes has 11 characters and
 * one `=`, that of 4 bytes 6 characters and two.
 */
export const bytesField = (fields: Fields, key: string, bytes: 4 | 8): string | undefined =>
  textField(fields, key)?.length === bytes * 2 && !textField(fields, key)?.endsWith('=') ? hexField(fields, key, { bytes }) : base64Field(fields, key, { bytes });

/** `publishedAt` where the release sends it, else the first gateway clock that is told. */
const timeOf = (root: Fields): Instant | undefined => {
  const publishedAt = timeField(root, 'publishedAt');
  if (publishedAt !== undefined) return publishedAt;
  for (const entry of objectList(root, 'rxInfo')) {
    const time = timeField(entry, 'time');
    if (time !== undefined) return time;
  }
  return undefined;
};
