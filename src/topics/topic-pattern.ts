import { BridgeError } from '../errors.js';
import type { Message } from '../messages/message.js';
import { parsePattern, type Alternative, type Placeholder, type Segment, type TopicKeyword } from './pattern-segments.js';
import { checkTopicLength, maxTopicBytes, maxTopicSlashes, slashesIn, uncountedPrefix } from './topic-limits.js';
import { escapeTopicValue } from './topic-value.js';

/** A topic template, checked and cut into pieces once. */
export interface TopicPattern {
  readonly pattern: string;
  /**
   * The topic of a message; values are escaped by the rule of `topic-value.ts`.
   * @throws BridgeError topic_unresolved (`field` is the placeholder without a value) or topic_invalid
   */
  render(message: Message): string;
}

type Resolve = (message: Message) => string | undefined;

const keywordValues: Record<TopicKeyword, Resolve> = {
  DevEUI: (message) => message.deviceId.toUpperCase(),
  devEui: (message) => message.deviceId.toLowerCase(),
  deviceId: (message) => message.deviceId,
  FPort: (message) => ('fPort' in message && message.fPort !== undefined ? String(message.fPort) : undefined),
  networkServer: (message) => message.networkServer?.id,
  networkServerKind: (message) => message.networkServer?.kind,
  application: (message) => message.device?.application,
  deviceName: (message) => message.device?.name,
  type: (message) => message.type,
};

const resolverOf = (alternative: Alternative): Resolve => {
  switch (alternative.kind) {
    case 'keyword':
      return keywordValues[alternative.keyword];
    case 'path':
      return (message) => alternative.path.first(message);
    case 'text':
      return () => alternative.text;
  }
};

/** The value that stands for a placeholder, not escaped: that of the first alternative that has one; an empty text counts as missing. @throws BridgeError topic_unresolved */
export const compileValue = ({ source, alternatives }: Placeholder): ((message: Message) => string) => {
  const resolvers = alternatives.map(resolverOf);
  return (message) => {
    for (const resolve of resolvers) {
      const value = resolve(message);
      if (value !== undefined && value !== '') return value;
    }
    throw new BridgeError('topic_unresolved', { field: source, detail: `the ${message.type} message has no value for {${source}}` });
  };
};

const compilePlaceholder = (placeholder: Placeholder): ((message: Message) => string) => {
  const valueOf = compileValue(placeholder);
  return (message) => escapeTopicValue(valueOf(message));
};

const refuse = (detail: string): never => {
  throw new BridgeError('config_invalid', { detail });
};

/** Fixed text with one character for each placeholder: the shortest topic that can come out, with exactly its slashes. */
const shortestTopic = (segments: readonly Segment[]): string => segments.map((segment) => (typeof segment === 'string' ? segment : 'x')).join('');

/** Values never bring a slash, so the depth of every topic is known here. @throws BridgeError config_invalid */
const checkLimits = (segments: readonly Segment[]): void => {
  const shortest = shortestTopic(segments);
  const start = typeof segments[0] === 'string' ? segments[0] : '';
  const prefix = uncountedPrefix(start);
  if (shortest === '') refuse('is empty');
  if (start.startsWith('$') && prefix === 0) refuse('may start with $ only as $aws/rules/<rule name>/… (Basic Ingest), the rule name written out');
  if (shortest.length === prefix) refuse('has no topic after $aws/rules/<rule name>/');
  const counted = shortest.slice(prefix);
  const slashes = slashesIn(counted);
  if (slashes > maxTopicSlashes) refuse(`has ${slashes + 1} levels, AWS takes ${maxTopicSlashes + 1}`);
  if (Buffer.byteLength(counted) > maxTopicBytes) refuse(`is over ${maxTopicBytes} bytes before any value is filled in`);
};

/** A topic that starts with `$` is reserved; only the operator's own text may open one. */
const escapeStart = (topic: string): string => (topic.startsWith('$') ? `%24${topic.slice(1)}` : topic);

/** @throws BridgeError config_invalid, whose detail says what is wrong and where */
export const compileTopicPattern = (pattern: string): TopicPattern => {
  const segments = parsePattern(pattern);
  checkLimits(segments);
  const pieces = segments.map((segment) => (typeof segment === 'string' ? segment : compilePlaceholder(segment)));
  const startsWithValue = typeof segments[0] !== 'string';
  return {
    pattern,
    render(message) {
      let topic = '';
      for (const piece of pieces) topic += typeof piece === 'string' ? piece : piece(message);
      return checkTopicLength(startsWithValue ? escapeStart(topic) : topic);
    },
  };
};
