import { BridgeError } from '../errors.js';
import { patternsOverlap, topicFilterOf } from '../topics/topic-filter.js';
import { compileTopicPattern } from '../topics/topic-pattern.js';
import { compileTypePatterns, derivePatternForType, otherTypes, unfillablePlaceholders, type OtherType } from '../topics/type-patterns.js';
import { field, section, type FieldSpec, type Loose, type Report } from './field.js';
import { readText } from './scalars.js';
import { maxPattern } from './thing-patterns.js';

const topicPattern = (spec: FieldSpec, check: (pattern: string) => unknown) =>
  field({ form: 'topic pattern', json: { type: 'string', pattern: '\\S', maxLength: maxPattern }, ...spec }, (value): string => {
    const pattern = readText(value, maxPattern);
    check(pattern);
    return pattern;
  });

export const uplinkTopicPattern = topicPattern({ description: 'Topic of uplinks.', example: 'tpx/things/{DevEUI}/uplink' }, compileTopicPattern).prefault('tpx/things/{DevEUI}/uplink');

export const downlinkTopicPattern = topicPattern(
  { description: 'Topic that downlinks are taken from; keywords become `+` in the subscription.', example: 'tpx/things/{DevEUI}/downlink' },
  topicFilterOf,
).prefault('tpx/things/{DevEUI}/downlink');

const other = (type: OtherType, what: string) =>
  topicPattern({ description: `Topic of ${what}, instead of the one beside the uplinks.`, hint: `tpx/things/{DevEUI}/${type.replace('-', '/')}` }, compileTopicPattern).optional();

export const topicPatterns = section('Topics of the messages that are no uplinks. By default a last level `uplink` of the uplink pattern is replaced by the type, otherwise the type is appended.', {
  join: other('join', 'joins'),
  location: other('location', 'locations'),
  status: other('status', 'device status'),
  'downlink-status': other('downlink-status', 'downlink status'),
  alarm: other('alarm', 'alarms'),
}).prefault({});

const isPattern = (value: unknown): value is string => typeof value === 'string';

const written = (overrides: unknown, type: OtherType): string | undefined => {
  const value = typeof overrides === 'object' && overrides !== null ? (overrides as Loose)[type] : undefined;
  return isPattern(value) ? value : undefined;
};

/** What holds between the patterns: the derived ones keep AWS's limits, and none leads back into the downlinks. */
export const checkTopics = ({ uplinkTopicPattern: uplink, downlinkTopicPattern: downlink, topicPatterns: overrides }: Loose, report: Report): void => {
  if (!isPattern(uplink)) return;
  const patterns = Object.fromEntries(otherTypes.map((type) => [type, written(overrides, type)]));
  try {
    const compiled = compileTypePatterns(uplink, patterns);
    const loops = isPattern(downlink) ? Object.values(compiled).find(({ pattern }) => patternsOverlap(pattern, downlink)) : undefined;
    if (loops !== undefined) report(['downlinkTopicPattern'], `takes topics of the pattern ${loops.pattern} as well: the bridge would read its own messages`);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    report(['uplinkTopicPattern'], error.message);
  }
};

/** Types whose messages can never be published, because their pattern names a keyword that they do not have. */
export const topicWarnings = (uplink: string, overrides: { readonly [K in OtherType]?: string | undefined }): { readonly type: OtherType; readonly placeholder: string }[] =>
  otherTypes.flatMap((type) => unfillablePlaceholders(overrides[type] ?? derivePatternForType(uplink, type), type).map((placeholder) => ({ type, placeholder })));
