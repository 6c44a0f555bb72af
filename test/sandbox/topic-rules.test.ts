import t from 'tap';
import { awsLimits } from '../../src/sandbox/limits.js';
import { compileFilter, isExact } from '../../src/sandbox/topic-match.js';
import { isBasicIngest, isLegalTopic, parseFilter } from '../../src/sandbox/topic-rules.js';

const legalTopics: [string, boolean][] = [
  ['a', true],
  ['a/b/c/d/e/f/g/h', true],
  ['a/b/c/d/e/f/g/h/i', false],
  ['/a', true],
  ['', false],
  ['a/+/b', false],
  ['a/#', false],
  ['a\0b', false],
  ['x'.repeat(256), true],
  ['x'.repeat(257), false],
  ['é'.repeat(129), false],
  ['$aws/rules/toS3/a/b/c/d/e/f/g/h', true],
  ['$aws/rules/toS3/a/b/c/d/e/f/g/h/i', false],
  ['$aws/rules/toS3/', false],
  ['$aws/rules/toS3', false],
  ['$aws/things/t1/shadow/update', true],
  ['$aws/events/presence/connected/x', false],
  ['$aws/unknown', false],
  ['$SYS/broker', false],
  ['$share/g/a', false],
];

void t.test('a topic is judged by MQTT and by AWS quotas', async (t) => {
  for (const [topic, legal] of legalTopics) t.equal(isLegalTopic(topic, awsLimits), legal, JSON.stringify(topic).slice(0, 40));
});

void t.test('a limit of 0 is no limit', async (t) => {
  const limits = { ...awsLimits, maxTopicBytes: 0, maxTopicSlashes: 0 };
  t.ok(isLegalTopic(`${'x'.repeat(300)}/b/c/d/e/f/g/h/i`, limits));
});

void t.test('Basic Ingest topics are known', async (t) => {
  t.ok(isBasicIngest('$aws/rules/r/a'));
  t.notOk(isBasicIngest('$aws/things/r/shadow/update'));
});

const filters: [string, ReturnType<typeof parseFilter>][] = [
  ['a/b', { filter: 'a/b' }],
  ['#', { filter: '#' }],
  ['+/b/#', { filter: '+/b/#' }],
  ['a/#/b', undefined],
  ['a+/b', undefined],
  ['a/b#', undefined],
  ['', undefined],
  ['1/2/3/4/5/6/7/8', { filter: '1/2/3/4/5/6/7/8' }],
  ['1/2/3/4/5/6/7/8/9', undefined],
  ['$share/workers/1/2/3/4/5/6/7/8', { shareName: 'workers', filter: '1/2/3/4/5/6/7/8' }],
  ['$share/workers/', undefined],
  ['$share//a', undefined],
  ['$share/wo+rkers/a', undefined],
  [`$share/${'n'.repeat(129)}/a`, undefined],
  ['$aws/rules/r/a', undefined],
  ['$share/g/$aws/rules/r/a', undefined],
  ['$aws/events/presence/+/x', { filter: '$aws/events/presence/+/x' }],
  ['$SYS/#', undefined],
];

void t.test('a topic filter is split and judged', async (t) => {
  for (const [filter, expected] of filters) t.same(parseFilter(filter, awsLimits), expected, filter.slice(0, 40));
});

const matches: [string, string, boolean][] = [
  ['a/b', 'a/b', true],
  ['a/b', 'a/b/c', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/', true],
  ['a/+', 'a/b/c', false],
  ['+/+', '/a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'a', false],
  ['a/#', 'ab', false],
  ['#', 'a/b', true],
  ['#', '$aws/events/x', false],
  ['+/events/x', '$aws/events/x', false],
  ['$aws/events/#', '$aws/events/x', true],
  ['a.c', 'abc', false],
  ['a.c/+', 'abc/d', false],
  ['a/#', 'a/line\nbreak', true],
];

void t.test('filters match as on AWS: `a/#` leaves out `a`, wildcards leave out `$`', async (t) => {
  for (const [filter, topic, expected] of matches) t.equal(compileFilter(filter)(topic), expected, `${filter} and ${JSON.stringify(topic)}`);
  t.ok(isExact('a/b'));
  t.notOk(isExact('a/+'));
});
