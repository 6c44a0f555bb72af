import t from 'tap';
import { createMisbehaviourRules } from '../../src/sandbox/misbehaviour.js';

void t.test('a rule strikes its topics, for its share, as often as it may', async (t) => {
  const draws = [0.1, 0.9, 0.1, 0.1];
  const rules = createMisbehaviourRules(() => draws.shift() ?? 0);
  rules.replace([{ action: 'close', filter: 'a/+', share: 0.5, times: 2 }]);
  t.equal(rules.onPublish('b'), undefined, 'another topic');
  t.match(rules.onPublish('a/1'), { action: 'close' });
  t.equal(rules.onPublish('a/1'), undefined, 'outside the share');
  t.match(rules.onPublish('a/1'), { action: 'close' });
  t.equal(rules.onPublish('a/1'), undefined, 'used up');
});

void t.test('rules about connects and about publishes are apart', async (t) => {
  const rules = createMisbehaviourRules(() => 0);
  rules.replace([{ action: 'refuse-connect', times: 1 }, { action: 'refuse-publish' }]);
  t.match(rules.onPublish('a'), { action: 'refuse-publish', reasonCode: 0x97 });
  t.match(rules.onConnect(), { action: 'refuse-connect', reasonCode: 0x80 });
  t.equal(rules.onConnect(), undefined);
  rules.replace([]);
  t.equal(rules.onPublish('a'), undefined);
});

const wrong: [string, unknown, RegExp][] = [
  ['no list', { action: 'close' }, /rules/],
  ['an unknown action', [{ action: 'sulk' }], /rules\.0\.action/],
  ['a share over 1', [{ action: 'close', share: 2 }], /rules\.0\.share/],
  ['a key too many', [{ action: 'close', topic: 'a' }], /rules\.0/],
  ['no delay', [{ action: 'delay-puback' }], /rules\.0\.delayMs/],
  ['a success code', [{ action: 'refuse-publish', reasonCode: 0 }], /rules\.0\.reasonCode/],
];

void t.test('wrong rules are refused with their field, and the old ones stay', async (t) => {
  const rules = createMisbehaviourRules(() => 0);
  rules.replace([{ action: 'close' }]);
  for (const [name, value, message] of wrong) t.throws(() => rules.replace(value), { reason: 'config_invalid', message }, name);
  t.match(rules.onPublish('a'), { action: 'close' });
});
