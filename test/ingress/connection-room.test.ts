import t, { type Test } from 'tap';
import { Registry } from 'prom-client';
import { createIngressListener, type IngressListenerOptions } from '../../src/ingress/ingress-listener.js';
import { createIngressMetrics } from '../../src/ingress/metrics.js';
import { createLogger } from '../../src/log.js';
import { createMetricFamily } from '../../src/metric-family.js';
import { createProof } from '../../src/network-servers/proof.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { request } from '../end-to-end/support/hostile-requests.js';
import { exchange, openRaw, type RawConnection } from '../end-to-end/support/hostile-socket.js';
import { uplinkBody } from '../end-to-end/support/load.js';
import { createTestCertificates } from '../support/certificates.js';
import { until } from '../support/until.js';

const boundMs = 20_000;
const most = 10;

const good = (fCnt: number): Buffer => request(uplinkBody('aaaa000000000001', fCnt), { path: '/in/chirpstack?event=up' });

/** A listener that takes every message and has room for ten connections. */
const listen = async (t: Test, more: Pick<IngressListenerOptions, 'tls'> = {}) => {
  const registry = new Registry();
  const listener = createIngressListener({
    host: '127.0.0.1', port: 0, bodyLimit: 10_000, maxConnections: most, trustedProxies: [],
    sources: new Map([['chirpstack', { id: 'chirpstack', adapter: networkServerAdapters.chirpstack, proof: createProof({ kind: 'none' }, undefined), settings: {}, challenge: '' }]]),
    mostTogether: Number.POSITIVE_INFINITY,
    take: () => Promise.resolve({ receipt: { messages: [] } }),
    metrics: createIngressMetrics(createMetricFamily(registry, 'network_server'), registry), note: () => undefined, logger: createLogger('fatal'), ...more,
  });
  await listener.start();
  t.teardown(() => listener.stop());
  const closed = async (): Promise<number> => Number(/^lpwan_bridge_ingress_connections_closed_total (\d+)$/m.exec(await registry.metrics())?.[1]);
  return { url: listener.url, closed };
};

/** Keeps its connection open after its message was taken. */
const sender = async (url: string): Promise<RawConnection> => {
  const raw = openRaw(url);
  raw.socket.write(good(1));
  await raw.settled(1, boundMs);
  return raw;
};

const strangers = async (t: Test, url: string, count: number): Promise<() => number> => {
  const all = Array.from({ length: count }, () => openRaw(url, true));
  t.teardown(() => all.forEach(({ socket }) => socket.destroy()));
  const open = (): number => all.filter(({ isClosed }) => !isClosed()).length;
  await until('the bound holds', () => open() < most, boundMs);
  return open;
};

const roomForSenders = async (t: Test, { url, closed }: Awaited<ReturnType<typeof listen>>): Promise<void> => {
  const known = await sender(url);
  const open = await strangers(t, url, 50);
  t.equal(open(), most - 1, 'all places but the one of the sender');
  t.equal(await closed(), 41);
  t.strictSame((await exchange(url, [good(2)])).statuses, [204], 'a new sender takes the place of a stranger');
  t.equal(await closed(), 42);
  known.socket.write(good(3));
  await known.settled(2, boundMs);
  t.strictSame(known.statuses(), [204, 204], 'a sender keeps its connection');
  known.socket.destroy();
};

void t.test('the oldest connections that brought no message make room for new ones', async (t) => roomForSenders(t, await listen(t)));

void t.test('the same over TLS', async (t) => {
  const { cert, key } = await createTestCertificates();
  await roomForSenders(t, await listen(t, { tls: { certificate: cert, privateKey: key } }));
});

void t.test('when every connection brought messages, a new one is closed', async (t) => {
  const { url, closed } = await listen(t);
  const known = await Promise.all(Array.from({ length: most }, () => sender(url)));
  t.equal(await closed(), 0);
  const late = openRaw(url);
  await late.settled(1, boundMs);
  t.ok(late.isClosed());
  t.strictSame(late.statuses(), []);
  t.notOk(known.some(({ isClosed }) => isClosed()));
  known[0]?.socket.end();
  await known[0]?.settled(2, boundMs);
  t.strictSame((await exchange(url, [good(2)])).statuses, [204], 'until one of them goes');
  for (const { socket } of known) socket.destroy();
});
