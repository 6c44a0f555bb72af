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
  const again = await registry.metrics();
  t.match(again, /ends_total\{connection="bb",reason="two"\} 0/, 'and it begins anew');
  t.match(again, /wait_seconds_count\{connection="bb"\} 0/);
});

void t.test('a histogram has every value, however many there are between two scrapes', async (t) => {
  const registry = new Registry();
  const family = createMetricFamily(registry, 'connection', ['a', 'b']);
  const observe = family.histogram('wait_seconds', 'Waits.', [1]);
  const scrape = async (): Promise<readonly string[]> => (await registry.metrics()).split('\n');
  for (let index = 0; index < 1_001; index += 1) observe(index % 2 === 0 ? 'a' : 'b', index % 4);
  const first = await scrape();
  for (const line of ['count{connection="a"} 501', 'count{connection="b"} 500', 'bucket{le="1",connection="a"} 251', 'bucket{le="+Inf",connection="a"} 501', 'sum{connection="a"} 500', 'sum{connection="b"} 1000']) {
    t.ok(first.includes(`lpwan_bridge_wait_seconds_${line}`), line);
  }
  observe('a', 1);
  family.remove('b');
  t.ok((await scrape()).includes('lpwan_bridge_wait_seconds_count{connection="a"} 502'), 'what came since, too');
  t.ok((await scrape()).includes('lpwan_bridge_wait_seconds_count{connection="a"} 502'), 'once');
});
