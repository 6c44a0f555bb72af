import { parsePattern, type Alternative, type Segment } from '../topics/pattern-segments.js';

/** The device of the probe: no DevEUI, so no device's messages can be mixed up with it. */
export const probeDeviceId = 'lpwanbridgeprobe';

const keywordValues: Readonly<Record<string, string>> = { DevEUI: probeDeviceId.toUpperCase(), devEui: probeDeviceId, deviceId: probeDeviceId, FPort: '1', type: 'uplink' };

const valueOf = (alternative: Alternative | undefined): string => {
  if (alternative?.kind === 'text') return alternative.text;
  return (alternative?.kind === 'keyword' ? keywordValues[alternative.keyword] : undefined) ?? 'probe';
};

const render = (pattern: string, placeholder: (segment: Exclude<Segment, string>) => string): string =>
  parsePattern(pattern)
    .map((segment) => (typeof segment === 'string' ? segment : placeholder(segment)))
    .join('');

/** The topic of an uplink of the probe's device: one of those that the pattern gives. @throws BridgeError config_invalid */
export const probeTopicOf = (pattern: string): string => render(pattern, ({ alternatives: [first] }) => valueOf(first));

/** Every topic of the pattern, as a policy writes it. @throws BridgeError config_invalid */
export const policyTopicOf = (pattern: string): string => render(pattern, () => '*').replace(/\*+/g, '*');

/** Basic Ingest: only the rule gets such a message, nobody can subscribe to it (AWS IoT developer guide, "Basic Ingest"). */
export const isBasicIngest = (topic: string): boolean => topic.startsWith('$aws/rules/');
