import t from 'tap';
import { extractDeviceId, matchTopic, patternsOverlap, topicFilterOf } from '../../src/topics/topic-filter.js';
import { compileTopicPattern } from '../../src/topics/topic-pattern.js';
import { named } from './messages.js';

void t.test('a level with a placeholder becomes +', async (t) => {
  const rows: [string, string][] = [
    ['tpx/things/{DevEUI}/downlink', 'tpx/things/+/downlink'],
    ['v3/{application}/devices/{deviceName}/down/push', 'v3/+/devices/+/down/push'],
    ['x/dev-{devEui}-{FPort}/down', 'x/+/down'],
    ["a/{$.device['x/y']}/b", 'a/+/b'],
    ['/a//b', '/a//b'],
    ['fixed', 'fixed'],
  ];
  for (const [pattern, filter] of rows) t.equal(topicFilterOf(pattern), filter, pattern);
  t.throws(() => topicFilterOf('$aws/rules/r/x'), { message: 'a topic under $aws/rules cannot be subscribed to' });
  t.throws(() => topicFilterOf('a/#'), { message: 'at character 3: the wildcard # cannot stand in a topic pattern' });
});

void t.test('matches as MQTT does', async (t) => {
  const yes: [string, string][] = [['a/+/c', 'a/b/c'], ['a/#', 'a'], ['a/#', 'a/b/c'], ['#', 'a/b'], ['+', 'a'], ['a/+', 'a/'], ['/+', '/a'], ['+/+', '/a'], ['$aws/#', '$aws/x']];
  const no: [string, string][] = [['a/+', 'a'], ['a/+', 'a/b/c'], ['a/b', 'a/c'], ['+', '/a'], ['#', '$aws/x'], ['+/x', '$aws/x'], ['a/b/#', 'a'], ['a', 'a/'], ['a/b', 'a']];
  for (const [filter, topic] of yes) t.ok(matchTopic(filter, topic), `${filter} takes ${topic}`);
  for (const [filter, topic] of no) t.notOk(matchTopic(filter, topic), `${filter} does not take ${topic}`);
});

void t.test('reads the device id back out of a topic', async (t) => {
  const read = extractDeviceId('tpx/things/{DevEUI}/downlink');
  t.equal(read('tpx/things/78AF580300000345/downlink'), '78af580300000345');
  t.equal(read('tpx/things/78AF580300000345/uplink'), undefined);
  t.equal(read('tpx/things//downlink'), undefined);
  t.equal(read('xtpx/things/78AF/downlink'), undefined);
  t.equal(extractDeviceId('d-{deviceId}.x/{FPort}')('d-Sensor%2F1.x/5'), 'Sensor/1', 'as written, with the escaping undone');
  t.equal(extractDeviceId('d-{deviceId}.x/{FPort}')('d-Sensor%2F1yx/5'), undefined, 'a dot is a dot');
  t.equal(extractDeviceId('{deviceId}')('%zz'), undefined);
  t.equal(extractDeviceId('a/{deviceName}')('a/b'), undefined, 'a pattern without a device');
  t.equal(extractDeviceId("{DevEUI|'none'}")('none'), undefined, 'a fallback is no device');
});

void t.test('an escaped device id survives the way out and back', async (t) => {
  for (const id of ['a/b', '100%', '+#', 'ü\u0001', '$x']) {
    const topic = compileTopicPattern('{deviceId}/down').render({ ...named('x'), deviceId: id });
    t.ok(matchTopic(topicFilterOf('{deviceId}/down'), topic));
    t.equal(extractDeviceId('{deviceId}/down')(topic), id);
  }
});

void t.test('knows patterns that would feed the bridge its own messages', async (t) => {
  t.ok(patternsOverlap('a/{DevEUI}/x', 'a/{deviceId}/x'));
  t.ok(patternsOverlap('a/{DevEUI}/{type}', 'a/{deviceId}/down'));
  t.notOk(patternsOverlap('a/{DevEUI}/uplink', 'a/{DevEUI}/downlink'));
  t.notOk(patternsOverlap('a/{DevEUI}', 'a/{DevEUI}/downlink'));
});
