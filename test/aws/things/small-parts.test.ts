import { Registry } from 'prom-client';
import t from 'tap';
import { createFifo } from '../../../src/aws/things/fifo.js';
import { createThingMetrics } from '../../../src/aws/things/metrics.js';
import { createTroubles } from '../../../src/aws/things/troubles.js';
import { createMetricFamily } from '../../../src/metric-family.js';

void t.test('first in, first out, over many', async (t) => {
  const fifo = createFifo<number>();
  t.equal(fifo.shift(), undefined);
  let next = 0;
  for (let count = 0; count < 10_000; count += 1) {
    fifo.push(count);
    if (count % 3 !== 0 && fifo.shift() !== next++) t.fail('out of order');
  }
  for (; next < 10_000; next += 1) if (fifo.shift() !== next) t.fail('out of order');
  t.equal(fifo.shift(), undefined);
});

void t.test('a trouble begins with the first device and ends with the last', async (t) => {
  const told: string[] = [];
  const troubles = createTroubles({ began: ({ reason }) => void told.push(`+${reason}`), ended: (reason) => void told.push(`-${reason}`) });
  t.equal(troubles.current(), undefined);
  troubles.enter('registry_forbidden', 'one');
  troubles.enter('registry_forbidden', 'two');
  troubles.enter('registry_unreachable', 'away');
  t.match(troubles.current(), { reason: 'registry_forbidden', detail: 'two' });
  troubles.leave('registry_forbidden');
  t.match(troubles.current(), { reason: 'registry_forbidden' });
  troubles.leave('registry_forbidden');
  t.match(troubles.current(), { reason: 'registry_unreachable' });
  troubles.leave('registry_unreachable');
  troubles.leave('registry_unreachable');
  t.strictSame(told, ['+registry_forbidden', '+registry_unreachable', '-registry_forbidden', '-registry_unreachable']);
});

void t.test('every series starts at zero, and goes with its connection', async (t) => {
  const registry = new Registry();
  const family = createMetricFamily(registry, 'connection', ['main']);
  const metrics = createThingMetrics(family, () => 3);
  const zeroes = (await registry.metrics()).split('\n').filter((line) => line.includes('connection="main"') && line.endsWith(' 0'));
  t.equal(zeroes.length, 12 + 5 + 4 + 1);
  t.match(await registry.metrics(), 'lpwan_bridge_registry_pending{connection="main"} 3');
  metrics.failed('main', 'registry_forbidden');
  metrics.throttled('main');
  t.match(await registry.metrics(), 'lpwan_bridge_registry_failures_total{connection="main",reason="registry_forbidden"} 1');
  t.match(await registry.metrics(), 'lpwan_bridge_registry_throttles_total{connection="main"} 1');
  family.remove('main');
  t.notMatch(await registry.metrics(), 'connection="main"');
});
