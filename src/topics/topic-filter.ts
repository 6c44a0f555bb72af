import { BridgeError } from '../errors.js';
import { parsePattern, type Segment, type TopicKeyword } from './pattern-segments.js';
import { maxTopicBytes } from './topic-limits.js';
import { compileTopicPattern } from './topic-pattern.js';
import { unescapeTopicValue } from './topic-value.js';

/** One level of a pattern: fixed texts and placeholders in turn. */
type Level = readonly Segment[];

const deviceKeywords: ReadonlySet<TopicKeyword> = new Set(['DevEUI', 'devEui', 'deviceId']);

const levelsOf = (segments: readonly Segment[]): Level[] => {
  const levels: Segment[][] = [[]];
  for (const segment of segments) {
    const parts = typeof segment === 'string' ? segment.split('/') : [segment];
    parts.forEach((part, index) => {
      if (index > 0) levels.push([]);
      if (part !== '') levels.at(-1)?.push(part);
    });
  }
  return levels;
};

/** The text of a level without placeholders. */
const fixedText = (level: Level): string | undefined => (level.every((segment): segment is string => typeof segment === 'string') ? level.join('') : undefined);

/**
 * The filter to subscribe to for a downlink pattern: a level with a placeholder in it becomes `+`.
 * @throws BridgeError config_invalid; also for `$aws/rules/…`, which nobody can subscribe to (AWS IoT Core, Basic Ingest)
 */
export const topicFilterOf = (pattern: string): string => {
  compileTopicPattern(pattern);
  if (pattern.startsWith('$')) throw new BridgeError('config_invalid', { detail: 'a topic under $aws/rules cannot be subscribed to' });
  return levelsOf(parsePattern(pattern)).map((level) => fixedText(level) ?? '+').join('/');
};

/** MQTT 5, 4.7: `+` takes one level, `#` at the end all the rest and its parent; neither takes a first level that starts with `$`. */
export const matchTopic = (filter: string, topic: string): boolean => {
  const filterLevels = filter.split('/');
  const topicLevels = topic.split('/');
  if (topic.startsWith('$') && (filterLevels[0] === '+' || filterLevels[0] === '#')) return false;
  for (const [index, level] of filterLevels.entries()) {
    if (level === '#') return topicLevels.length >= index;
    if (index >= topicLevels.length || (level !== '+' && level !== topicLevels[index])) return false;
  }
  return filterLevels.length === topicLevels.length;
};

/** Whether some topic is rendered by the one pattern and taken by the other's filter: a bridge would then read its own uplinks. */
export const patternsOverlap = (one: string, other: string): boolean => {
  const left = levelsOf(parsePattern(one));
  const right = levelsOf(parsePattern(other));
  return left.length === right.length && left.every((level, index) => {
    const text = fixedText(level);
    const against = fixedText(right[index] ?? []);
    return text === undefined || against === undefined || text === against;
  });
};

/** The keyword of a placeholder that is the device id and nothing else. */
const deviceKeywordOf = (segment: Segment): TopicKeyword | undefined => {
  const only = typeof segment !== 'string' && segment.alternatives.length === 1 ? segment.alternatives[0] : undefined;
  return only?.kind === 'keyword' && deviceKeywords.has(only.keyword) ? only.keyword : undefined;
};

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * A reader of the device id out of a topic of this pattern: undefined where the topic is not one of its topics, or the pattern
 * names no device. `{DevEUI}` and `{devEui}` give lower case, `{deviceId}` what stands there.
 * @throws BridgeError config_invalid
 */
export const extractDeviceId = (pattern: string): ((topic: string) => string | undefined) => {
  const segments = parsePattern(pattern);
  const device = segments.findIndex((segment) => deviceKeywordOf(segment) !== undefined);
  const isOther = (index: number): boolean => index >= 0 && index !== device && typeof segments[index] === 'object';
  const expressionOf = (segment: Segment, index: number): string => {
    if (typeof segment === 'string') return literal(segment);
    if (index === device) return '([^/]+)';
    // Several side by side are tried in every division of a topic, which has no bound; as one they take the same topics but the shortest.
    return isOther(index - 1) ? '' : '[^/]+';
  };
  const source = segments.map(expressionOf).join('');
  const expression = new RegExp(`^${source}$`);
  const asWritten = deviceKeywordOf(segments[device] ?? '') === 'deviceId';
  return (topic) => {
    const text = device === -1 || topic.length > maxTopicBytes ? undefined : expression.exec(topic)?.[1];
    const id = text === undefined ? undefined : unescapeTopicValue(text);
    return asWritten ? id : id?.toLowerCase();
  };
};
