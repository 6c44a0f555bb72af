import { exceeds, type SandboxLimits } from './limits.js';

const basicIngest = /^\$aws\/rules\/[^/]+\/(?=.)/;
const shadow = /^\$aws\/things\/[^/]+\/shadow\//;
const sharedFilter = /^\$share\/([^/+#]{1,128})\/(.+)$/s;

/** True for `$aws/rules/<rule>/…` (Basic Ingest): only the rule sees such a message, nobody can subscribe to it. */
export const isBasicIngest = (topic: string): boolean => basicIngest.test(topic);

const fits = (text: string, limits: SandboxLimits): boolean =>
  !exceeds(Buffer.byteLength(text), limits.maxTopicBytes) && !exceeds(text.split('/').length - 1, limits.maxTopicSlashes);

/** True when a client may name this topic in a PUBLISH or a will (MQTT 5.0, 4.7.3; AWS: reserved topics, topic quotas). */
export const isLegalTopic = (topic: string, limits: SandboxLimits): boolean => {
  if (topic === '' || /[+#\0]/.test(topic)) return false;
  if (topic.startsWith('$') && !basicIngest.test(topic) && !shadow.test(topic)) return false;
  return fits(topic.replace(basicIngest, ''), limits);
};

export interface ParsedFilter {
  /** Set for `$share/<name>/<filter>`. */
  readonly shareName?: string;
  /** The filter that topics are compared with. */
  readonly filter: string;
}

const hasLegalWildcards = (filter: string): boolean => {
  const levels = filter.split('/');
  return levels.every((level, index) => level === '+' || (level === '#' && index === levels.length - 1) || !/[+#\0]/.test(level));
};

const isKnownReserved = (filter: string): boolean => filter.startsWith('$aws/events/') || filter.startsWith('$aws/things/');

/** Splits and checks a topic filter; undefined when it is not allowed (MQTT 5.0, 4.7.1 and 4.8.2; AWS: topic quotas). */
export const parseFilter = (filter: string, limits: SandboxLimits): ParsedFilter | undefined => {
  const shared = sharedFilter.exec(filter);
  const plain = shared?.[2] ?? filter;
  if (plain === '' || !hasLegalWildcards(plain) || !fits(plain, limits)) return undefined;
  if (plain.startsWith('$') && !isKnownReserved(plain)) return undefined;
  return shared?.[1] === undefined ? { filter } : { shareName: shared[1], filter: plain };
};
