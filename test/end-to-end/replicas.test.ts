/** Two bridges on one Redis, each with its own data directory: what one is told, both do. */
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { gate } from '../contracts/downlink-store-samples.js';
import { startRedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { createHome, type BridgeHome, type TestBridge } from './support/bridge.js';
import { startSandbox, type TestBroker } from './support/broker.js';
import { runBuilt } from './support/command-line.js';
import { make, portOf, seedConnection, startLiveBridge, untilState } from './support/live-scene.js';
import { startNetworkServer } from './support/network-server.js';
import { postWebhook, reportsOf } from './support/reports.js';

interface Replicas {
  readonly broker: TestBroker;
  readonly registry: string;
  readonly homes: readonly [BridgeHome, BridgeHome];
  readonly one: TestBridge;
  readonly two: TestBridge;
}

const setReplicas = async (t: Test, file: object = {}): Promise<Replicas> => {
  const [broker, redis] = await Promise.all([startSandbox(['--api-port', '0', '--wss-port', '0']), startRedisServer()]);
  t.teardown(() => broker.stop());
  t.teardown(() => redis.stop());
  const more = { connections: [], networkServers: [], redis: { url: redis.url }, secrets: { key: randomBytes(32).toString('base64') }, ...file };
  const homes = [await createHome(broker, {}, more), await createHome(broker, {}, more)] as const;
  for (const home of homes) t.teardown(() => home.remove());
  const [one, two] = await Promise.all([startLiveBridge(t, homes[0]), startLiveBridge(t, homes[1])]);
  return { broker, registry: `http://127.0.0.1:${portOf(broker, 'api')}`, homes, one, two };
};

const devEui = '0018b20000000001';
const key = 'replica-key';
const factory = (downlink?: string): object => ({ id: 'factory', kind: 'chirpstack', authenticate: { header: { name: 'x-api-key', value: key } }, ...(downlink === undefined ? {} : { downlink: { url: downlink, apiToken: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9' } }) });

let lastCounter = 0;

const post = async (bridge: TestBridge, secret = key): Promise<number> => {
  lastCounter += 1;
  return (await postWebhook(bridge, 'factory', { ...reportsOf.chirpstack.uplink(devEui, lastCounter), headers: { 'x-api-key': secret } })).status;
};

const untilStatus = (bridge: TestBridge, path: string, wanted: number): Promise<void> => until(`${path} to answer ${wanted}`, async () => (await bridge.api('GET', path)).status === wanted);

const delivered = (replicas: Replicas, topic: string, count: number): Promise<void> =>
  replicas.broker.received.until(`${count} on ${topic}`, (all) => all.filter((one) => one.topic === topic).length >= count, 20_000);

void t.test('what is made, changed and deleted on one runs on the other', async (t) => {
  const replicas = await setReplicas(t);
  const { one, two } = replicas;
  await make(one, '/network-servers', factory());
  await make(one, '/connections', seedConnection(replicas, { uplinkTopicPattern: 'a/{DevEUI}', payloadFormat: 'normalised' }, { id: 'city' }));
  await make(one, '/flows', { id: 'all', networkServers: ['factory'], connections: ['city'] });
  for (const path of ['/network-servers/factory', '/connections/city', '/flows/all']) await untilStatus(two, path, 200);
  await untilState(one, 'city', 'OPENED');
  await untilState(two, 'city', 'OPENED');
  t.match((await two.api('GET', '/connections/city')).json, { origin: 'api', configuration: { privateKey: '*****', secretAccessKey: '*****' } });
  await until('both to be ready', async () => (await Promise.all([one, two].map((bridge) => bridge.private('/ready')))).every(({ status }) => status === 200));

  const topic = `a/${devEui.toUpperCase()}`;
  t.equal(await post(one), 204);
  t.equal(await post(two), 204, 'the other opens the same secret');
  await delivered(replicas, topic, 2);

  await t.test('devices and events are seen on either', async (t) => {
    for (const bridge of [one, two]) {
      await until('the device', async () => (await bridge.api('GET', `/devices/${devEui}`)).status === 200);
      t.match((await bridge.api('GET', `/devices/${devEui}`)).json, { id: devEui, networkServer: 'factory', connections: ['city'] });
      await until('the state of its thing', async () => JSON.stringify((await bridge.api('GET', `/devices/${devEui}`)).json['things']).includes('ready'));
    }
    t.equal(await post(two, 'a-wrong-key'), 401);
    for (const bridge of [one, two]) await until('the event', async () => (await bridge.api('GET', '/network-servers/factory/events')).body.includes('unauthenticated'));
    t.same((await one.api('GET', '/audit')).json, (await two.api('GET', '/audit')).json, 'one audit');
  });

  await t.test('a change on one', async (t) => {
    t.equal((await two.api('PATCH', '/connections/city', { configuration: { uplinkTopicPattern: 'b/{DevEUI}' } })).status, 200);
    const changed = `b/${devEui.toUpperCase()}`;
    await until('the change on the other', async () => ((await one.api('GET', '/connections/city')).json['configuration'] as { readonly uplinkTopicPattern: string }).uplinkTopicPattern === 'b/{DevEUI}');
    t.equal(await post(one), 204);
    await delivered(replicas, changed, 1);
    t.equal((await one.api('PATCH', '/network-servers/factory', { authenticate: { header: { name: 'x-api-key', value: 'another-key' } } })).status, 200);
    await until('the new key on the other', async () => (await post(two, 'another-key')) === 204);
    t.equal(await post(two), 401, 'the old one is gone there too');
    t.equal((await two.api('PATCH', '/connections/city', { active: false })).status, 200);
    await untilState(one, 'city', 'DEACTIVATED');
    t.equal((await one.api('PATCH', '/connections/city', { active: true })).status, 200);
    await untilState(two, 'city', 'OPENED');
    await untilState(one, 'city', 'OPENED');
  });

  await t.test('a removal on one', async (t) => {
    t.match(await two.api('DELETE', '/network-servers/factory'), { status: 409, json: { reason: 'resource_in_use' } });
    for (const path of ['/flows/all', '/network-servers/factory', '/connections/city?backlog=discard']) t.equal((await two.api('DELETE', path)).status, 204, path);
    for (const path of ['/flows/all', '/network-servers/factory', '/connections/city']) await untilStatus(one, path, 404);
    await until('the webhook to be gone', async () => (await post(one, 'another-key')) === 404);
    await until('both to have nothing to send to', async () => (await Promise.all([one, two].map((bridge) => bridge.private('/ready')))).every(({ status }) => status === 503));
    await until('the sessions to have ended', async () => {
      const { stats } = await replicas.broker.control({ do: 'stats' });
      return (stats as { readonly sessionsOpen: number }).sessionsOpen === 0;
    });
  });
});

void t.test('of two operators at once one wins and the other is told', async (t) => {
  const { one, two } = await setReplicas(t);
  await make(one, '/network-servers', factory());
  await untilStatus(two, '/network-servers/factory', 200);
  for (let round = 1; round <= 5; round += 1) {
    const etag = String((await one.api('GET', '/network-servers/factory')).headers['etag']);
    await until('the same ETag on the other', async () => (await two.api('GET', '/network-servers/factory')).headers['etag'] === etag);
    const change = (bridge: TestBridge, name: string) => bridge.api('PATCH', '/network-servers/factory', { authenticate: { header: { name: `x-${name}-${round}` } } }, { 'if-match': etag });
    const answers = await Promise.all([change(one, 'one'), change(two, 'two')]);
    t.strictSame(answers.map(({ status }) => status).sort(), [200, 412], `round ${round}`);
    t.match(answers.find(({ status }) => status === 412), { json: { reason: 'resource_changed' } });
    const winner = answers.find(({ status }) => status === 200);
    for (const bridge of [one, two]) await until('what the winner wrote', async () => (await bridge.api('GET', '/network-servers/factory')).headers['etag'] === winner?.headers['etag']);
    t.same((await one.api('GET', '/network-servers/factory')).json['authenticate'], winner?.json['authenticate']);
  }
  const same = await Promise.all([one, two].map((bridge) => bridge.api('POST', '/network-servers', { id: 'twin', kind: 'chirpstack', authenticate: 'none' })));
  t.strictSame(same.map(({ status }) => status).sort(), [201, 409], 'an id is taken once');
  const many = await Promise.all(Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? one : two).api('POST', '/network-servers', { id: `ns-${index}`, kind: 'chirpstack', authenticate: 'none' })));
  t.ok(many.every(({ status }) => status === 201), 'those who do not touch the same are all served');
  for (const bridge of [one, two]) await until('all of them', async () => ((await bridge.api('GET', '/network-servers')).json['networkServers'] as unknown[]).length === 12);
});

void t.test('tokens of the command line open both', async (t) => {
  const { one, two, homes } = await setReplicas(t, { private: { host: '127.0.0.1', port: 0, authenticate: 'always' } });
  for (const bridge of [one, two]) t.equal((await bridge.api('GET', '/connections')).status, 401);
  const { code, stdout } = await runBuilt(['token', 'create', '--config', homes[0].file, '--name', 'both', '--role', 'admin']);
  t.equal(code, 0);
  const authorization = `Bearer ${stdout.trim()}`;
  for (const bridge of [one, two]) await until('the token to open', async () => (await bridge.api('GET', '/connections', undefined, { authorization })).status === 200);
  const listed = await runBuilt(['token', 'list', '--config', homes[1].file]);
  t.match(listed.stdout, /^[0-9a-f]+ {2}admin .* both\n$/);
  const removed = await runBuilt(['token', 'remove', listed.stdout.split(' ')[0] ?? '', '--config', homes[1].file]);
  t.equal(removed.code, 0);
  for (const bridge of [one, two]) await until('the token to open nothing any more', async () => (await bridge.api('GET', '/connections', undefined, { authorization })).status === 401);
});

void t.test('a downlink posted to one reaches the network server that was made on the other, and both know its life', async (t) => {
  const replicas = await setReplicas(t);
  const { one, two } = replicas;
  const server = await startNetworkServer('chirpstack', 'lns');
  t.teardown(() => server.stop());
  await make(one, '/network-servers', server.entry());
  await make(two, '/connections', seedConnection(replicas, {}, { id: 'city' }));
  for (const bridge of [one, two]) await untilState(bridge, 'city', 'OPENED');
  await untilStatus(two, '/network-servers/lns', 200);
  t.equal((await postWebhook(one, 'lns', reportsOf.chirpstack.uplink(devEui, 1))).status, 204);
  await untilStatus(two, `/devices/${devEui}`, 200);
  const posted = await two.api('POST', '/downlinks', { deviceId: devEui, fPort: 1, payload: '0a', correlationId: 'both' });
  t.equal(posted.status, 202, posted.body);
  await server.until('the downlink', () => server.taken().length === 1);
  const id = (posted.json['downlinks'] as readonly { readonly id: string }[])[0]?.id ?? '';
  for (const bridge of [one, two]) await until('its life', async () => (await bridge.api('GET', `/downlinks/${id}`)).json['state'] === 'submitted');
  t.strictSame(server.violations, []);
});

void t.test('a report that comes to one replica while the other still waits for the answer ends the downlink once that is there', async (t) => {
  const replicas = await setReplicas(t);
  const { one, two } = replicas;
  const server = await startNetworkServer('chirpstack', 'lns');
  t.teardown(() => server.stop());
  await make(one, '/network-servers', server.entry({ timeout: '60s' }));
  await make(two, '/connections', seedConnection(replicas, {}, { id: 'city' }));
  for (const bridge of [one, two]) await untilState(bridge, 'city', 'OPENED');
  await untilStatus(two, '/network-servers/lns', 200);
  t.equal((await postWebhook(one, 'lns', reportsOf.chirpstack.uplink(devEui, 1))).status, 204);
  await untilStatus(two, `/devices/${devEui}`, 200);
  const answer = gate<void>();
  server.behave({ do: 'take-when', released: answer.opened });
  const posted = await two.api('POST', '/downlinks', { deviceId: devEui, fPort: 1, payload: '0a', correlationId: 'late', confirmed: true });
  t.equal(posted.status, 202, posted.body);
  await server.until('the downlink', () => server.arrivals.length === 1);
  const [arrival] = server.arrivals;
  const { sent, acknowledged } = reportsOf.chirpstack.of;
  if (arrival === undefined || sent === undefined || acknowledged === undefined) throw new Error('nothing to report');
  await Promise.all([one, two].map(async (bridge) => t.equal((await postWebhook(bridge, 'lns', sent(arrival))).status, 204)));
  t.equal((await postWebhook(two, 'lns', acknowledged(arrival))).status, 204);
  answer.open();
  const id = (posted.json['downlinks'] as readonly { readonly id: string }[])[0]?.id ?? '';
  for (const bridge of [one, two]) {
    await until('its end', async () => (await bridge.api('GET', `/downlinks/${id}`)).json['state'] === 'acknowledged');
    const { steps } = (await bridge.api('GET', `/downlinks/${id}`)).json as { readonly steps: readonly { readonly state: string }[] };
    t.strictSame(steps.map(({ state }) => state), ['queued', 'submitted', 'sent', 'acknowledged']);
  }
  t.strictSame(server.violations, []);
});
