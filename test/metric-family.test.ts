import { Registry } from 'prom-client';
import t from 'tap';
import { createMetricFamily } from '../src/metric-family.js';

void t.test('series begin at zero with their member, and go with it', async (t) => {
  const registry = new Registry();
  const family = createMetricFamily(registry, 'connection', ['a']);
  const count = family.counter('things_total', 'Things.');
  const countBy = family.counterBy('ends_total', 'Ends.', { name: 'reason', values: ['one', 'two'] as const });
  const observe = family.histogram('wait_seconds', 'Waits.', [1]);
  family.gauge('depth', 'Depth.', (member) => member.length);
  t.equal(family.add('bb'), true);
  t.equal(family.add('bb'), false, 'twice is once');
  count('a');
  countBy('bb', 'two', 3);
  observe('a', 0.5);
  const text = await registry.metrics();
  for (const line of [
    'lpwan_bridge_things_total{connection="a"} 1', 'lpwan_bridge_things_total{connection="bb"} 0', 'lpwan_bridge_ends_total{connection="a",reason="one"} 0', 'lpwan_bridge_ends_total{connection="bb",reason="two"} 3',
    'lpwan_bridge_wait_seconds_count{connection="a"} 1', 'lpwan_bridge_wait_seconds_count{connection="bb"} 0', 'lpwan_bridge_depth{connection="bb"} 2',
  ]) t.ok(text.split('\n').includes(line), line);

  family.remove('bb');
  family.remove('unknown');
  count('bb');
  countBy('bb', 'one');
  observe('bb', 1);
  t.notMatch(await registry.metrics(), /"bb"/, 'nothing is left of it, nor comes back by late counts');
  t.equal(family.add('bb'), true);
  t.match(await registry.metrics(), /ends_total\{connection="bb",reason="two"\} 0/, 'and it begins anew');
});
