import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { Message } from '../../src/messages/message.js';
import { compileTopicPattern } from '../../src/topics/topic-pattern.js';
import { bare, join, named, uplink } from './messages.js';

/** What a function throws, as `reason: message`. */
const thrown = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof BridgeError ? `${error.reason}: ${error.message}` : `not a BridgeError: ${String(error)}`;
  }
  return 'nothing thrown';
};

void t.test('renders every keyword, path and fallback', async (t) => {
  const rows: [pattern: string, topic: string][] = [
    ['tpx/things/{DevEUI}/uplink', 'tpx/things/78AF580300000345/uplink'],
    ['{devEui}', '78af580300000345'],
    ['{deviceId}/{FPort}', '78af580300000345/1'],
    ['{networkServer}/{networkServerKind}/{type}', 'factory/chirpstack/uplink'],
    ['a/{application}', 'a/climate'],
    ['fixed/topic', 'fixed/topic'],
    ['a//b/', 'a//b/'],
    ['/a', '/a'],
    ['dev-{devEui}-x', 'dev-78af580300000345-x'],
    ['{$.device.tags.site}', 'Paris'],
    ["{$.device.tags['site']}", 'Paris'],
    ['{$["device"]["tags"]["a.b"]}', 'dotted'],
    ['{$..CustomerData.tags[1]}', 'green'],
    ['{$..tags[0]}', 'blue'],
    ['{$..site}', 'Paris'],
    ['{$.device.tags.*}', 'Paris'],
    ['{$.native.CustomerData.doms[*].g}', 'Lyon'],
    ["{$..['g']}", 'Lyon'],
    ['{$.native.n}/{$.native.Late}', '0/false'],
    ["{$.device.tags.empty|'none'}", 'none'],
    ["{$.device.tags|'no scalar'}", 'no scalar'],
    ["{$..CustomerData.tags[7]|$.device.tags.site}", 'Paris'],
    ['{ deviceId | "x" }', '78af580300000345'],
    ["{$.constructor|$.__proto__.x|'own keys only'}", 'own keys only'],
    ['$aws/rules/my_rule/{DevEUI}/up', '$aws/rules/my_rule/78AF580300000345/up'],
    ['100%/{devEui}', '100%/78af580300000345'],
  ];
  for (const [pattern, topic] of rows) t.equal(compileTopicPattern(pattern).render(uplink), topic, pattern);
  t.equal(compileTopicPattern("{deviceName|DevEUI|'none'}").render(bare), '4D1A2B', 'the first alternative with a value');
  t.equal(compileTopicPattern("{FPort|'none'}").render(join), 'none');
  t.equal(compileTopicPattern("{deviceName|'a|b}c'}").render(bare), 'a|b}c', 'quotes hold separators');
  t.equal(compileTopicPattern('{FPort}').render({ ...uplink, fPort: 0 }), '0', 'FPort 0 is a value');
  t.equal(compileTopicPattern('{DevEUI}').pattern, '{DevEUI}');
});

void t.test('escapes what would break a topic', async (t) => {
  const rows: [name: string, escaped: string][] = [
    ['hall 3/north', 'hall 3%2Fnorth'],
    ['a+b#c%d', 'a%2Bb%23c%25d'],
    ['nul\u0000tab\tdel\u007f', 'nul%00tab%09del%7F'],
    ['c1 \u0085 \u009f', 'c1 %C2%85 %C2%9F'],
    ['lone \ud800 half', 'lone %EF%BF%BD half'],
    ['emoji 🌡 and é stay', 'emoji 🌡 and é stay'],
    ['non-character \uffff', 'non-character %EF%BF%BF'],
    ['%2F', '%252F'],
    ['in $ the middle', 'in $ the middle'],
  ];
  for (const [name, escaped] of rows) t.equal(compileTopicPattern('x/{deviceName}').render(named(name)), `x/${escaped}`, JSON.stringify(name));
  t.equal(compileTopicPattern('{deviceName}/x').render(named('$aws/things')), '%24aws%2Fthings/x', 'no value opens a reserved topic');
  t.equal(compileTopicPattern('{deviceName}{DevEUI}').render(named('$')), '%2478AF580300000345');
  t.equal(compileTopicPattern('x{deviceName}').render(named('$SYS')), 'x$SYS');
});

void t.test('a placeholder without a value is topic_unresolved and names itself', async (t) => {
  const rows: [string, Message][] = [['a/{FPort}', join], ['a/{deviceName|application}', bare], ['{$.device.tags.site}', bare], ['{$.device.tags.empty}', uplink], ['{deviceName}', named('')]];
  for (const [pattern, message] of rows) {
    const source = pattern.slice(pattern.indexOf('{') + 1, -1);
    t.equal(thrown(() => compileTopicPattern(pattern).render(message)), `topic_unresolved: ${source}: the ${message.type} message has no value for {${source}}`);
  }
});

void t.test('a topic over 256 bytes is topic_invalid, after escaping and without the Basic Ingest prefix', async (t) => {
  const pattern = compileTopicPattern('{deviceName}');
  t.equal(pattern.render(named('x'.repeat(256))).length, 256);
  t.equal(thrown(() => pattern.render(named('x'.repeat(257)))), 'topic_invalid: the topic is 257 bytes long, AWS takes 256');
  t.equal(thrown(() => pattern.render(named('/'.repeat(86)))), 'topic_invalid: the topic is 258 bytes long, AWS takes 256');
  t.equal(thrown(() => pattern.render(named('é'.repeat(129)))), 'topic_invalid: the topic is 258 bytes long, AWS takes 256');
  const ingest = compileTopicPattern('$aws/rules/r/{deviceName}');
  t.equal(ingest.render(named('x'.repeat(256))).length, 269);
  t.match(thrown(() => ingest.render(named('x'.repeat(257)))), /^topic_invalid/);
});

void t.test('a deep or cyclic-looking document does not exhaust the stack', async (t) => {
  let deep: unknown = { site: 'too deep' };
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  t.match(thrown(() => compileTopicPattern('{$..site}').render({ ...bare, native: { deep } })), /^topic_unresolved/);
});

void t.test('wrong patterns say what and where', async (t) => {
  const rows: [pattern: string, detail: string][] = [
    ['', 'is empty'],
    ['a/+/b', 'at character 3: the wildcard + cannot stand in a topic pattern'],
    ['a/#', 'at character 3: the wildcard # cannot stand in a topic pattern'],
    ['{DevEUI}/a\u0001', 'at character 11: control characters cannot stand in a topic'],
    ['a/{DevEUI', 'at character 3: this { is not closed'],
    ['a/DevEUI}', 'at character 9: this } closes nothing'],
    ['a/{}', 'at character 4: a keyword is missing between the braces'],
    ['{DevEUI|}', 'at character 9: a keyword is missing between the braces'],
    ['{deveui}', 'at character 2: unknown keyword {deveui}; did you mean {DevEUI}?'],
    ['{Port}', 'at character 2: unknown keyword {Port}; keywords are DevEUI, devEui, deviceId, FPort, networkServer, networkServerKind, application, deviceName, type'],
    ["{FPort|''}", 'at character 8: a fallback text must not be empty'],
    ["{FPort|'a/b'}", "at character 8: the fallback text 'a/b' must not hold /, +, # or control characters"],
    ["{FPort|'#'}", "at character 8: the fallback text '#' must not hold /, +, # or control characters"],
    ["{FPort|'a'b}", "at character 8: the text 'a'b is not quoted rightly"],
    ["{FPort|'}", 'at character 1: this { is not closed'],
    ["{$..CustomerData.tags[?(@.x=='y')]}", "at character 2: JSONPath $..CustomerData.tags[?(@.x=='y')]: filters [?…] are not supported"],
    ['{$.a[0:2]}', 'at character 2: JSONPath $.a[0:2]: slices and lists of selectors are not supported'],
    ['{$.a[-1]}', 'at character 2: JSONPath $.a[-1]: cannot be read at "[-1]"'],
    ['{$a}', 'at character 2: JSONPath $a: cannot be read at "a"'],
    ['{$}', 'at character 2: JSONPath $: names no value'],
    ['{$.}', 'at character 2: JSONPath $.: cannot be read at "."'],
    ['a/b/c/d/e/f/g/h/{DevEUI}', 'has 9 levels, AWS takes 8'],
    ['$aws/rules/r/a/b/c/d/e/f/g/h/i', 'has 9 levels, AWS takes 8'],
    ['$SYS/{DevEUI}', 'may start with $ only as $aws/rules/<rule name>/… (Basic Ingest), the rule name written out'],
    ['$aws/things/{DevEUI}/shadow/update', 'may start with $ only as $aws/rules/<rule name>/… (Basic Ingest), the rule name written out'],
    ['$aws/rules/{type}/x', 'may start with $ only as $aws/rules/<rule name>/… (Basic Ingest), the rule name written out'],
    ['$aws/rules/r/', 'has no topic after $aws/rules/<rule name>/'],
    ['x'.repeat(257), 'is over 256 bytes before any value is filled in'],
    ['é'.repeat(129), 'is over 256 bytes before any value is filled in'],
  ];
  for (const [pattern, detail] of rows) t.equal(thrown(() => compileTopicPattern(pattern)), `config_invalid: ${detail}`, pattern);
  t.equal(compileTopicPattern('$aws/rules/r/a/b/c/d/e/f/g/h').pattern.length, 28, 'the Basic Ingest levels are not counted');
});
