import { Registry } from 'prom-client';
import t from 'tap';
import { createDownlinkMetrics, type DownlinkMetricsOptions } from '../../src/downlink/metrics.js';
import { createMetricFamily } from '../../src/metric-family.js';

const create = (changes: Partial<DownlinkMetricsOptions> = {}) => {
  const registry = new Registry();
  const metrics = createDownlinkMetrics({ connections: createMetricFamily(registry, 'connection', ['main', 'city']), networkServers: createMetricFamily(registry, 'network_server', ['factory']), totals: async () => ({ waiting: 0 }), headroom: async () => 92, ...changes });
  return { registry, metrics };
};

const valueOf = (text: string, series: string): string | undefined => text.split('\n').find((line) => line.startsWith(`lpwan_bridge_${series} `))?.split(' ').at(-1);

const series = [
  'downlinks_total{connection="main",state="queued"}', 'downlinks_total{connection="city",state="rejected"}',
  'downlinks_received_total{connection="main",result="stored"}', 'downlinks_received_total{connection="main",result="duplicate"}',
  'downlinks_rejected_total{connection="main",reason="malformed_body"}', 'downlinks_rejected_total{connection="city",reason="downlink_queue_full"}',
  'downlink_attempts_total{network_server="factory",outcome="unknown"}', 'downlink_reports_total{network_server="factory",matched="yes"}',
  'mailbox_answers_total{network_server="factory",result="repeated"}', 'downlink_network_server_failing{network_server="factory"}',
  'downlink_queue_depth{connection="main"}', 'downlink_oldest_age_seconds{connection="main"}', 'downlink_submit_seconds_count{network_server="factory"}',
];

void t.test('every series is there from the start, at zero', async (t) => {
  const text = await create().registry.metrics();
  for (const one of series) t.equal(valueOf(text, one), '0', one);
  t.equal(valueOf(text, 'downlink_rate_headroom{connection="city"}'), '92');
});

void t.test('each verb counts in its series', async (t) => {
  const { registry, metrics } = create({ totals: async (id) => (id === 'main' ? { waiting: 3, oldestReceivedAt: Date.now() - 60_000 } : { waiting: 1, oldestReceivedAt: Date.now() + 5_000 }) });
  metrics.received('main', 'stored');
  metrics.rejected('city', 'unknown_device');
  metrics.state('main', 'sent');
  metrics.attempt('factory', 'accepted', 0.2);
  metrics.attempt('factory', 'known');
  metrics.report('factory', false);
  metrics.failing('factory', true);
  metrics.mailbox('factory', 'none');
  const text = await registry.metrics();
  for (const one of [
    'downlinks_received_total{connection="main",result="stored"}', 'downlinks_rejected_total{connection="city",reason="unknown_device"}', 'downlinks_total{connection="main",state="sent"}',
    'downlink_attempts_total{network_server="factory",outcome="accepted"}', 'downlink_attempts_total{network_server="factory",outcome="known"}', 'downlink_reports_total{network_server="factory",matched="no"}',
    'downlink_network_server_failing{network_server="factory"}', 'mailbox_answers_total{network_server="factory",result="none"}', 'downlink_submit_seconds_count{network_server="factory"}',
  ]) t.equal(valueOf(text, one), '1', one);
  t.equal(valueOf(text, 'downlink_queue_depth{connection="main"}'), '3');
  t.ok(Number(valueOf(text, 'downlink_oldest_age_seconds{connection="main"}')) >= 60);
  t.equal(valueOf(text, 'downlink_oldest_age_seconds{connection="city"}'), '0', 'never negative');
  metrics.failing('factory', false);
  t.equal(valueOf(await registry.metrics(), 'downlink_network_server_failing{network_server="factory"}'), '0');
});

void t.test('a store that fails or hangs does not fail or hang the scrape', async (t) => {
  const { registry } = create({ totals: () => Promise.reject(new Error('away')), headroom: () => new Promise(() => undefined) });
  const text = await registry.metrics();
  t.match(valueOf(text, 'downlink_queue_depth{connection="main"}'), /NaN/i);
  t.match(valueOf(text, 'downlink_rate_headroom{connection="main"}'), /NaN/i);
});

void t.test('one scrape asks the store once for each connection', async (t) => {
  let asked = 0;
  const { registry } = create({ totals: async () => ({ waiting: (asked += 1) }) });
  await registry.metrics();
  t.equal(asked, 2);
});
