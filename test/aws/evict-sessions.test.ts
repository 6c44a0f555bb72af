import t from 'tap';
import { evictSessions } from '../../src/aws/evict-sessions.js';
import type { Endpoint } from '../../src/aws/endpoint.js';
import { createConnectGate } from '../../src/aws/connect-gate.js';
import type { SandboxNotice } from '../../src/sandbox/books.js';
import { rejectsWith } from '../contracts/downlink-store-opened.js';
import { connectLibrary, startSandbox } from '../sandbox/support/harness.js';
import { until } from '../support/until.js';
import { startRawBroker } from './support/raw-broker.js';
import { signedEndpointOf } from './support/signed-endpoint.js';
import { endpointOf } from './support/subscriber.js';

type Test = Parameters<typeof startSandbox>[0];

const signal = new AbortController().signal;
const ids = Array.from({ length: 7 }, (_, index) => `bridge-0-c1-${index + 1}`);

const start = async (t: Test, options: Parameters<typeof startSandbox>[1] = {}) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0, ...options });
  const closed: Extract<SandboxNotice, { kind: 'session-closed' }>[] = [];
  sandbox.onNotice((notice) => {
    if (notice.kind === 'session-closed') closed.push(notice);
  });
  return { sandbox, address, closed, endpoints: { certificate: endpointOf(address.port, address), sigv4: signedEndpointOf(address) } };
};

for (const version of [4, 5] as const) {
  for (const auth of ['certificate', 'sigv4'] as const) {
    void t.test(`MQTT ${version === 5 ? '5' : '3.1.1'}, ${auth}: whoever holds the client ids is disconnected, and nobody else`, async (t) => {
      const { sandbox, address, closed, endpoints } = await start(t);
      const clients = await Promise.all(ids.map((clientId) => connectLibrary(t, address, { clientId })));
      const bystander = await connectLibrary(t, address, { clientId: 'bridge-1-c1-1' });
      await evictSessions({ endpoint: endpoints[auth], clientIds: [...ids, 'bridge-0-c1-nobody'], version, gate: createConnectGate(), timeoutMs: 5_000 }, signal);
      await until('all are out', () => clients.every((client) => !client.connected));
      t.same(closed.filter(({ reason }) => reason === 'duplicate_client_id').map(({ clientId }) => clientId).sort(), ids);
      await until('and the bridge left too', () => closed.filter(({ reason }) => reason === 'client_disconnect').length === ids.length + 1);
      t.ok(bystander.connected);
      t.same(ids.map((id) => sandbox.disconnect(id)), ids.map(() => false), 'nobody is connected under them');
    });
  }
}

void t.test('one that is not allowed keeps no other from being evicted, and is told', async (t) => {
  const allow = (resource: string) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: `arn:aws:iot:r:a:client/${resource}` }] });
  const { sandbox, address, endpoints } = await start(t);
  const clients = await Promise.all(ids.map((clientId) => connectLibrary(t, address, { clientId })));
  sandbox.setPolicy(allow('bridge-0-*'));
  await rejectsWith(t, evictSessions({ endpoint: endpoints.certificate, clientIds: ['other-0-c1-1', ...ids], version: 5, timeoutMs: 5_000 }, signal), 'certificate_refused');
  await until('all are out', () => clients.every((client) => !client.connected));
});

void t.test('an endpoint that is away or silent, and the abort', async (t) => {
  const { sandbox, endpoints } = await start(t);
  const evict = (endpoint: Endpoint, { timeoutMs = 5_000, abort = signal } = {}) => evictSessions({ endpoint, clientIds: ids, version: 5, timeoutMs }, abort);
  sandbox.blackhole();
  await rejectsWith(t, evict(endpoints.certificate, { timeoutMs: 200 }), 'connect_timeout');
  const over = new AbortController();
  const aborted = evict(endpoints.certificate, { abort: over.signal });
  over.abort(new Error('enough'));
  await t.rejects(aborted, { message: 'enough' });
  await sandbox.cut();
  await rejectsWith(t, evict(endpoints.certificate), 'endpoint_unreachable');
  await rejectsWith(t, evict(endpoints.sigv4), 'endpoint_unreachable');
  await sandbox.restore();
  await evict(endpoints.certificate);
});

void t.test('CONNECT asks for a clean session that ends at once; a broker without MQTT 5 gets MQTT 3.1.1', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'connect') connection.send({ cmd: 'connack', returnCode: 0, reasonCode: packet.protocolVersion === 5 && packet.clientId === 'old' ? 0x84 : 0, sessionPresent: false });
    else if (packet.cmd === 'disconnect') connection.socket.end();
  });
  await evictSessions({ endpoint: broker.endpoint, clientIds: ['new'], version: 5, timeoutMs: 5_000 }, signal);
  t.match(broker.packets, [{ cmd: 'connect', clientId: 'new', protocolVersion: 5, clean: true, properties: { sessionExpiryInterval: 0 } }, { cmd: 'disconnect' }]);
  await evictSessions({ endpoint: broker.endpoint, clientIds: ['old'], version: 5, timeoutMs: 5_000 }, signal);
  t.match(broker.of('connect').slice(1), [{ clientId: 'old', protocolVersion: 5 }, { clientId: 'old', protocolVersion: 4, clean: true }]);
});
