import type { Loose, Report } from './field.js';
import { boolean, choice, textLike } from './scalars.js';
import { downlinkTopicPattern, topicPatterns, uplinkTopicPattern } from './topic-settings.js';

export const payloadFormats = ['normalised', 'original', 'decoded'] as const;

export const publishing = {
  uplinkTopicPattern,
  downlinkTopicPattern,
  topicPatterns,
  payloadFormat: choice(
    {
      description: "`normalised`: one shape for all network servers. `original`: the network server's body byte for byte. `decoded`: the decoded payload alone.",
      defaultNote: '`normalised`; `original` for actility-aws-iot',
      example: 'normalised',
    },
    payloadFormats,
  ),
  sendMetadata: boolean({ description: 'As in ThingPark X, for actility-aws-iot only: uplinks without their root key `DevEUI_uplink`, and nothing but uplinks.' }).prefault(false),
  sendRawDecodedFormat: boolean({ description: 'As in ThingPark X, for actility-aws-iot only: the decoded payload alone, or the whole uplink where there is none, and nothing but uplinks. sendMetadata comes first.' }).prefault(false),
  mqttVersion: choice({ description: 'MQTT version; a broker that refuses 5 is asked again with 3.1.1.' }, ['5', '3.1.1']).prefault('5'),
  clientIdPrefix: textLike({ description: 'Start of the MQTT client ids, and of the name of a shared subscription. Bridges on one Redis have the same; others on the account must differ in it.', form: '1 to 64 letters, digits, dashes and underscores' }, /^[A-Za-z0-9_-]{1,64}$/).prefault('lpwan-bridge'),
};

/** The forms of ThingPark X are forms of the original document. */
export const checkForms = ({ connectorId, configuration }: Loose, report: Report): void => {
  const settings = (typeof configuration === 'object' && configuration !== null ? configuration : {}) as Loose;
  for (const key of ['sendMetadata', 'sendRawDecodedFormat']) {
    if (settings[key] !== true) continue;
    if (connectorId === 'aws-iot') report(['configuration', key], 'is for connectorId actility-aws-iot only');
    else if (settings['payloadFormat'] !== 'original') report(['configuration', key], 'needs payloadFormat: original');
  }
};
