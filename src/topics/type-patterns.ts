import { BridgeError } from '../errors.js';
import { messageTypes, type MessageType } from '../messages/message.js';
import { parsePattern, type Segment } from './pattern-segments.js';
import { compileTopicPattern, type TopicPattern } from './topic-pattern.js';

/** The types beside uplinks, whose pattern may be written out. */
export type OtherType = Exclude<MessageType, 'uplink'>;
export const otherTypes: readonly OtherType[] = messageTypes.filter((type): type is OtherType => type !== 'uplink');

/** `downlink-status` takes two levels, so that it stands under the downlink topic of the device. */
const levelsOf = (type: MessageType): string => type.replace('-', '/');

const names = (segment: Segment, keyword: string): boolean =>
  typeof segment !== 'string' && segment.alternatives.some((alternative) => alternative.kind === 'keyword' && alternative.keyword === keyword);

/**
 * The pattern of another type beside the uplink pattern: a last level `uplink` is replaced by the type, otherwise the type is
 * appended. A pattern that names `{type}` serves all types as it is. @throws BridgeError config_invalid
 */
export const derivePatternForType = (pattern: string, type: MessageType): string => {
  const segments = parsePattern(pattern);
  if (type === 'uplink' || segments.some((segment) => names(segment, 'type'))) return pattern;
  const last = segments.at(-1);
  const endsInUplink = typeof last === 'string' && (last.endsWith('/uplink') || pattern === 'uplink');
  return endsInUplink ? `${pattern.slice(0, -'uplink'.length)}${levelsOf(type)}` : `${pattern}/${levelsOf(type)}`;
};

export type TypePatterns = Readonly<Record<MessageType, TopicPattern>>;
export type PatternOverrides = { readonly [K in OtherType]?: string | undefined };

const compileFor = (uplinkPattern: string, type: MessageType, override: string | undefined): TopicPattern => {
  if (override !== undefined) return compileTopicPattern(override);
  const derived = derivePatternForType(uplinkPattern, type);
  try {
    return compileTopicPattern(derived);
  } catch (error) {
    const detail = error instanceof BridgeError ? error.message : String(error);
    throw type === 'uplink' ? error : new BridgeError('config_invalid', { detail: `the pattern ${derived} made for ${type} messages ${detail}` });
  }
};

/** The compiled pattern of every type. @throws BridgeError config_invalid */
export const compileTypePatterns = (uplinkPattern: string, overrides: PatternOverrides = {}): TypePatterns =>
  Object.fromEntries(messageTypes.map((type) => [type, compileFor(uplinkPattern, type, type === 'uplink' ? undefined : overrides[type])])) as Record<MessageType, TopicPattern>;

/** Types that carry an FPort; see `UplinkFields` and `DownlinkStatusFields`. */
const typesWithFPort: ReadonlySet<MessageType> = new Set(['uplink', 'downlink-status']);

/** The placeholders of a pattern that no message of the type can fill, such as `{FPort}` for a join. */
export const unfillablePlaceholders = (pattern: string, type: MessageType): string[] =>
  parsePattern(pattern).flatMap((segment) => {
    if (typeof segment === 'string' || typesWithFPort.has(type)) return [];
    return segment.alternatives.every((alternative) => alternative.kind === 'keyword' && alternative.keyword === 'FPort') ? [segment.source] : [];
  });
