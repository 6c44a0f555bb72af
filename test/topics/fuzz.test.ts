import { array, constantFrom, dictionary, integer, oneof, record, string, tuple, type Arbitrary } from 'fast-check';
import t from 'tap';
import { createMatch, type Flow } from '../../src/flows/match.js';
import { matches, type Matcher } from '../../src/flows/matcher.js';
import { messageTypes, type Message } from '../../src/messages/message.js';
import { extractDeviceId, matchTopic, patternsOverlap, topicFilterOf } from '../../src/topics/topic-filter.js';
import { compileTopicPattern } from '../../src/topics/topic-pattern.js';
import { escapeTopicValue, unescapeTopicValue } from '../../src/topics/topic-value.js';
import { compileTypePatterns, unfillablePlaceholders } from '../../src/topics/type-patterns.js';
import { fuzzOf, resultOrRefusal } from '../support/fuzz.js';
import { changedJson, hostileJson, hostileMap, hostileText } from '../support/fuzz-values.js';
import { bare, join, uplink } from './messages.js';

const pieces = constantFrom(
  'tpx', '/', '/', 'things', '{DevEUI}', '{devEui}', '{deviceId}', '{FPort}', '{type}', '{networkServer}', "{deviceName|'none'}", '{$.device.tags.site}', '{$..*}', '{$..[0]}', "{$['__proto__']|'x'}", '{$.constructor}',
  '{', '}', '|', "'", '"', '[', ']', '$', '$.', '..', '*', '[?(@)]', '$aws/rules/r/', '+', '#', '%', '\u0000', '\ud800', 'x'.repeat(300), '('.repeat(30), '\\', '.*', '^',
);
const pattern: Arbitrary<string> = oneof(array(pieces, { maxLength: 8 }).map((parts) => parts.join('')), hostileText);

/** A message whose fields that a pattern can name hold anything that a network server could have said. */
const message: Arbitrary<Message> = oneof(
  tuple(constantFrom<Message>(uplink, bare, join), record({ deviceId: hostileText.filter((text) => text !== ''), device: record({ name: hostileText, application: hostileText, tags: hostileMap }), native: dictionary(string(), hostileJson, { maxKeys: 3 }) })).map(([one, changes]) => ({ ...one, ...changes })),
  changedJson({ ...uplink.native }).map((native) => ({ ...uplink, native: { native } })),
);

/** AWS IoT Core takes 256 bytes and 7 slashes in a topic; MQTT no wildcard and no NUL. */
const checkTopic = (topic: string): void => {
  const counted = topic.replace(/^\$aws\/rules\/[^/]+\//, '');
  if (counted === '' || Buffer.byteLength(counted) > 256 || counted.split('/').length > 8 || /[+#\u0000]/.test(topic)) throw new Error(`topic ${topic}`);
  if (topic.startsWith('$') && counted === topic) throw new Error(`reserved topic ${topic}`);
};

void t.test('a pattern is compiled or refused, and renders what AWS takes or refuses', async (t) => {
  fuzzOf(t, 'patterns', {
    input: tuple(pattern, message),
    runs: 1_500,
    holds: ([text, one]) => {
      const compiled = resultOrRefusal(() => compileTopicPattern(text));
      resultOrRefusal(() => compileTypePatterns(text));
      if ('refusal' in compiled) return;
      const rendered = resultOrRefusal(() => compiled.value.render(one));
      if ('value' in rendered) checkTopic(rendered.value);
      for (const type of messageTypes) unfillablePlaceholders(text, type);
    },
  });
});

void t.test('a device id that was written into a topic is read out of it again', async (t) => {
  fuzzOf(t, 'device ids', {
    input: tuple(pattern, hostileText.filter((text) => text !== '' && Buffer.from(text).toString() === text)),
    runs: 600,
    holds: ([text, deviceId]) => {
      const escaped = escapeTopicValue(deviceId);
      if (unescapeTopicValue(escaped) !== deviceId) throw new Error(`escaped ${escaped}`);
      const own = resultOrRefusal(() => compileTopicPattern('a/{deviceId}/b').render({ ...bare, deviceId }));
      if ('value' in own && extractDeviceId('a/{deviceId}/b')(own.value) !== deviceId) throw new Error(`read back ${own.value}`);
      if ('value' in own && !matchTopic(topicFilterOf('a/{deviceId}/b'), own.value)) throw new Error('not taken by its own filter');
      const reader = resultOrRefusal(() => extractDeviceId(text));
      if ('value' in reader) for (const topic of [text, deviceId, escaped, `${escaped}/`.repeat(8)]) reader.value(topic);
    },
  });
});

void t.test('what a pattern renders is taken by its filter', async (t) => {
  fuzzOf(t, 'filters', {
    input: tuple(pattern, pattern, message),
    runs: 800,
    holds: ([one, other, from]) => {
      const filter = resultOrRefusal(() => topicFilterOf(one));
      if ('refusal' in filter) return;
      const topic = resultOrRefusal(() => compileTopicPattern(one).render(from));
      if ('value' in topic && !matchTopic(filter.value, topic.value)) throw new Error(`${filter.value} does not take ${topic.value}`);
      if (!patternsOverlap(one, one)) throw new Error('does not overlap itself');
      resultOrRefusal(() => patternsOverlap(one, other));
    },
  });
});

const range = <T>(value: Arbitrary<T>) => record({ from: value, to: value });
const optional = <T>(value: Arbitrary<T>): Arbitrary<readonly T[] | undefined> => oneof(constantFrom(undefined), array(value, { maxLength: 3 }));

const matcher: Arbitrary<Matcher> = record({ tags: optional(oneof(hostileText, constantFrom('site=Paris', '__proto__', 'constructor=x', '=', ':'))), devices: optional(range(oneof(hostileText, constantFrom(uplink.deviceId)))), applications: optional(hostileText), fPorts: optional(range(integer())), types: optional(constantFrom(...messageTypes)) })
  .map((conditions) => Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== undefined)));

void t.test('matchers and flows decide about any message', async (t) => {
  const targets = new Map(['a', 'b'].map((connectionId) => [connectionId, { connectionId, format: 'normalised' as const, patterns: compileTypePatterns('x/{DevEUI}/uplink'), validityMs: 0, uplinksOnly: connectionId === 'b' }]));
  fuzzOf(t, 'flows', {
    input: tuple(array(matcher, { maxLength: 4 }), array(constantFrom<string>('a', 'b', 'gone', '__proto__', 'constructor'), { maxLength: 4 }), message),
    runs: 1_000,
    holds: ([matchers, connections, one]) => {
      const flow: Flow = { matchers, connections };
      const wanted = matchers.length === 0 || matchers.some((each) => matches(one, each));
      const { targets: found, filtered } = createMatch(targets, [flow])(one);
      const ids = found.map(({ connectionId }) => connectionId);
      if (new Set(ids).size !== ids.length || ids.some((id) => !connections.includes(id))) throw new Error(`targets ${ids.join(' ')}`);
      if (!wanted && found.length > 0) throw new Error('nobody wanted it');
      if ((found.length === 0) !== (filtered !== undefined)) throw new Error('goes nowhere without a reason');
    },
  });
});

/** Each more placeholder side by side once multiplied the work by the length of the topic. */
void t.test('placeholders side by side are read in bounded time', async (t) => {
  const readers = ['{devEui}', '{type}', '{FPort}'].map((last) => extractDeviceId(`${last}${'{application}'.repeat(20)}/z`));
  for (const reader of readers) t.equal(reader(`${'x'.repeat(250)}/y`), undefined);
  t.equal(extractDeviceId('{devEui}{type}')('x'.repeat(100_000)), undefined, 'no topic is that long');
});
