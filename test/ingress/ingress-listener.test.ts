import { Agent, request } from 'node:http';
import t from 'tap';
import { createIngressListener } from '../../src/ingress/ingress-listener.js';
import { createIngressMetrics } from '../../src/ingress/metrics.js';
import type { TakeMessages } from '../../src/ingress/take-messages.js';
import type { WebhookSource } from '../../src/ingress/webhooks.js';
import { createLogger } from '../../src/log.js';
import { createMetricFamily } from '../../src/metric-family.js';
import { createProof } from '../../src/network-servers/proof.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { Registry } from 'prom-client';

const body = JSON.stringify({ DevEUI_uplink: { Time: '2026-11-21T09:00:00Z', DevEUI: '0018B20000000001', FPort: 1, FCntUp: 1, payload_hex: '00' } });

void t.test('a stop waits for the webhook under way, and not for its connection', async (t) => {
  let release: () => void = () => undefined;
  let arrived: () => void = () => undefined;
  const taking = new Promise<void>((resolve) => (arrived = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const take: TakeMessages = async () => {
    arrived();
    await released;
    return { receipt: { messages: [{ id: 'a', connectionIds: [], duplicate: false }] } };
  };
  const source: WebhookSource = { id: 'tp', adapter: networkServerAdapters.thingpark, proof: createProof({ kind: 'none' }, undefined), settings: {}, challenge: '' };
  const listener = createIngressListener({
    host: '127.0.0.1', port: 0, bodyLimit: 10_000, mostTogether: Number.POSITIVE_INFINITY, maxConnections: 1_000, trustedProxies: [], sources: new Map([['tp', source]]), take,
    metrics: createIngressMetrics(createMetricFamily(new Registry(), 'network_server'), new Registry()), note: () => undefined, logger: createLogger('fatal'),
  });
  await listener.start();
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const answer = new Promise<number>((resolve, reject) => {
    const call = request(`${listener.url}/in/tp`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', reject);
    call.end(body);
  });
  await taking;
  let stopped = false;
  const stopping = listener.stop().then(() => (stopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(stopped, 'the webhook under way holds it');
  release();
  t.equal(await answer, 204);
  await stopping;
  t.ok(stopped, 'and the connection, which the sender would keep, does not');
});
