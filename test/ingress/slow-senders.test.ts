import t, { type Test } from 'tap';
import { Registry } from 'prom-client';
import { createIngressListener, type IngressListenerOptions } from '../../src/ingress/ingress-listener.js';
import { createIngressMetrics } from '../../src/ingress/metrics.js';
import type { WebhookSource } from '../../src/ingress/webhooks.js';
import { createLogger } from '../../src/log.js';
import { createMetricFamily } from '../../src/metric-family.js';
import { createProof } from '../../src/network-servers/proof.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { slowSendersEnded } from '../end-to-end/support/hostile-attacks.js';
import { startSlowSenders } from '../end-to-end/support/hostile-senders.js';
import { openRaw } from '../end-to-end/support/hostile-socket.js';
import { createTestCertificates } from '../support/certificates.js';

/** A sender that is cut off gets it; this is far more. */
const boundMs = 20_000;

const source: WebhookSource = { id: 'chirpstack', adapter: networkServerAdapters.chirpstack, proof: createProof({ kind: 'none' }, undefined), settings: {}, challenge: '' };

/** A listener whose senders have half a second. */
const listen = async (t: Test, more: Pick<IngressListenerOptions, 'tls'> = {}): Promise<string> => {
  const listener = createIngressListener({
    host: '127.0.0.1', port: 0, bodyLimit: 200_000, mostTogether: Number.POSITIVE_INFINITY, maxConnections: 1_000, trustedProxies: [], sources: new Map([['chirpstack', source]]), take: () => Promise.reject(new Error('nothing is to be taken')),
    metrics: createIngressMetrics(createMetricFamily(new Registry(), 'network_server'), new Registry()), note: () => undefined, logger: createLogger('fatal'), requestTimeoutMs: 500, ...more,
  });
  await listener.start();
  t.teardown(() => listener.stop());
  return listener.url;
};

void t.test('senders of a request that never becomes whole are cut off', async (t) => {
  const url = await listen(t);
  await slowSendersEnded((isSo, text) => t.ok(isSo, text), startSlowSenders(url, 20), boundMs);
});

void t.test('the same over TLS, and those that do not even begin the handshake', async (t) => {
  const { cert, key } = await createTestCertificates();
  const url = await listen(t, { tls: { certificate: cert, privateKey: key } });
  t.match(url, /^https:/);
  const silent = Array.from({ length: 5 }, () => openRaw(url, true));
  await slowSendersEnded((isSo, text) => t.ok(isSo, text), startSlowSenders(url, 20), boundMs);
  for (const raw of silent) await raw.settled(Number.POSITIVE_INFINITY, boundMs);
  t.ok(silent.every(({ isClosed }) => isClosed()));
});
