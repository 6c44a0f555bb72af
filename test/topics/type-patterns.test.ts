import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import { messageTypes, type MessageType } from '../../src/messages/message.js';
import { compileTypePatterns, derivePatternForType, unfillablePlaceholders } from '../../src/topics/type-patterns.js';
import { join, uplink } from './messages.js';

void t.test('uplinks on the uplink pattern, the others beside it', async (t) => {
  const rows: [pattern: string, type: MessageType, derived: string][] = [
    ['tpx/things/{DevEUI}/uplink', 'uplink', 'tpx/things/{DevEUI}/uplink'],
    ['tpx/things/{DevEUI}/uplink', 'join', 'tpx/things/{DevEUI}/join'],
    ['tpx/things/{DevEUI}/uplink', 'downlink-status', 'tpx/things/{DevEUI}/downlink/status'],
    ['uplink', 'status', 'status'],
    ['tpx/{DevEUI}', 'alarm', 'tpx/{DevEUI}/alarm'],
    ['tpx/{DevEUI}', 'downlink-status', 'tpx/{DevEUI}/downlink/status'],
    ['tpx/{DevEUI}/myuplink', 'join', 'tpx/{DevEUI}/myuplink/join'],
    ['tpx/uplink/{DevEUI}', 'join', 'tpx/uplink/{DevEUI}/join'],
    ['{$.a.uplink}', 'join', '{$.a.uplink}/join'],
    ["{deviceName|'uplink'}", 'join', "{deviceName|'uplink'}/join"],
    ['tpx/{type}/{DevEUI}', 'join', 'tpx/{type}/{DevEUI}'],
    ['$aws/rules/r/{DevEUI}', 'location', '$aws/rules/r/{DevEUI}/location'],
  ];
  for (const [pattern, type, derived] of rows) t.equal(derivePatternForType(pattern, type), derived, `${pattern} for ${type}`);
});

void t.test('all types are compiled, written ones taken as they are', async (t) => {
  const patterns = compileTypePatterns('a/{DevEUI}/uplink', { join: 'joins/{devEui}' });
  t.same(Object.keys(patterns), [...messageTypes]);
  t.equal(patterns.uplink.render(uplink), 'a/78AF580300000345/uplink');
  t.equal(patterns.join.render(join), 'joins/78af580300000345');
  t.equal(patterns['downlink-status'].pattern, 'a/{DevEUI}/downlink/status');
});

void t.test('the limits hold for the patterns made for other types', async (t) => {
  const message = (pattern: string, overrides = {}): string => {
    try {
      compileTypePatterns(pattern, overrides);
      return '';
    } catch (error) {
      return error instanceof BridgeError ? error.message : 'other';
    }
  };
  t.equal(message('a/b/c/d/e/f/g/h'), 'the pattern a/b/c/d/e/f/g/h/join made for join messages has 9 levels, AWS takes 8');
  t.equal(message('a/b/c/d/e/f/g/uplink'), 'the pattern a/b/c/d/e/f/g/downlink/status made for downlink-status messages has 9 levels, AWS takes 8');
  t.equal(message('a/b/c/d/e/f/g/uplink', { 'downlink-status': 'a/status' }), '', 'an override avoids it');
  t.equal(message('a/+'), 'at character 3: the wildcard + cannot stand in a topic pattern');
  t.equal(message('a', { join: '' }), 'is empty');
});

void t.test('finds placeholders that a type can never fill', async (t) => {
  t.same(unfillablePlaceholders('a/{FPort}/{DevEUI}', 'join'), ['FPort']);
  t.same(unfillablePlaceholders("a/{FPort|'0'}", 'join'), []);
  t.same(unfillablePlaceholders('a/{FPort}', 'uplink'), []);
  t.same(unfillablePlaceholders('a/{FPort}', 'downlink-status'), []);
});
