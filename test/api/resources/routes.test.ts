import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { LiveStatus } from '../../../src/api/resources/live-status.js';
import { exampleConnection, exampleConnectionPatch, exampleFlow, exampleFlowPatch, exampleNetworkServer, exampleNetworkServerPatch } from '../../../src/api/resources/examples.js';
import type { ConnectionConfig } from '../../../src/config/connection.js';
import { certificateFingerprint, readCertificate } from '../../../src/config/certificates.js';
import { createSecretBox } from '../../../src/config/secret-box.js';
import { createTestCertificates } from '../../support/certificates.js';
import { openApi, wrongPaths } from './support/api.js';
import { declaredIn } from './support/declared.js';
import { connection, flow, networkServer } from './support/documents.js';
import { openStore } from './support/open-store.js';

const certificates = await createTestCertificates();

/** As ThingPark X IoT Flow documents it, with a certificate of its own. */
const thingParkConnection = {
  connectorId: 'actility-aws-iot',
  name: 'Test AWS Connection',
  active: true,
  alarms: [{ startTime: '08:00', endTime: '18:00', timezone: 'Europe/Paris', recurrence: [{ frequency: 'weekly', byDays: ['MO', 'friday'] }], uplinkRateMinPerHour: 10, message: 'Few messages' }],
  configuration: {
    description: 'A test',
    createDevices: true,
    sendMetadata: false,
    uplinkTimeValidity: '5m',
    downlinkEnabled: true,
    downlinkPort: 1,
    downlinkAsId: 'TWA_1',
    downlinkAsKey: 'marker-as-key',
    reconnectStrategy: 'NORMAL',
    protocol: 'SSL',
    uplinkTopicPattern: 'tpx/things/{DevEUI}/uplink',
    downlinkTopicPattern: 'tpx/things/{DevEUI}/downlink',
    deviceType: 'lorawan-device',
    region: 'eu-west-1',
    accountPrefix: 'a1b2c3d4e5f6g7-ats',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'marker-secret-access-key',
    certificateId: `arn:aws:iot:eu-west-1:123456789012:cert/${certificateFingerprint(readCertificate(certificates.cert))}`,
    certificate: certificates.cert,
    privateKey: certificates.key,
  },
};

void t.test("ThingPark X's JSON is taken as it is and shown as its users know it", async (t) => {
  const { call } = await openApi(t, { documented: true });
  const made = await call({ method: 'POST', path: '/connections', body: thingParkConnection });
  t.equal(made.status, 201, made.text);
  const id = String(made.json['id']);
  t.match(id, /^[0-9a-f]{12}$/, 'it made up an id');
  t.equal(made.headers['location'], `/connections/${id}`);
  t.equal(made.headers['etag'], '"1"');
  const shown = await call({ path: `/connections/${id}` });
  t.equal(shown.headers['etag'], '"1"');
  const { privateKey: _key, secretAccessKey: _secret, downlinkAsKey: _asKey, ...open } = thingParkConnection.configuration;
  t.match(shown.json, {
    id,
    connectorId: 'actility-aws-iot',
    name: 'Test AWS Connection',
    active: true,
    alarms: thingParkConnection.alarms,
    configuration: { ...open, privateKey: '*****', secretAccessKey: '*****', downlinkAsKey: '*****' },
    state: 'CLOSED',
    origin: 'api',
    revision: '1',
    createdAt: /^\d{4}-.*Z$/,
    certificate: { subject: /^CN=bridge, until /, validUntil: /Z$/, daysLeft: 364 },
    problems: undefined,
  });
  t.same(shown.json, made.json);
});

void t.test('what GET answers may be sent back: the masks keep their secrets', async (t) => {
  const { call, resources, audits } = await openApi(t, { documented: true });
  await call({ method: 'POST', path: '/connections', body: { ...thingParkConnection, id: 'main' } });
  const before = resources.effective().connections.get('main');
  const { json: shown } = await call({ path: '/connections/main' });
  const same = await call({ method: 'PUT', path: '/connections/main', body: shown });
  t.equal(same.status, 200, same.text);
  t.equal(same.headers['etag'], '"2"');
  t.equal(resources.effective().connections.get('main')?.revision, before?.revision, 'nothing changed in what it says');
  t.match(await audits(), [{ who: 'ann', role: 'admin', from: '192.0.2.7', action: 'replace', kind: 'connection', id: 'main', changed: [] }]);
  const secretsOf = ({ configuration }: ConnectionConfig): (string | undefined)[] => [configuration.privateKey, configuration.secretAccessKey, configuration.downlinkAsKey].map((secret) => secret?.reveal());
  const kept = resources.effective().connections.get('main')?.config;
  t.strictSame(kept === undefined ? [] : secretsOf(kept), [certificates.key, 'marker-secret-access-key', 'marker-as-key']);

  const patched = await call({ method: 'PATCH', path: '/connections/main', body: { name: 'Renamed', alarms: null, configuration: { secretAccessKey: 'marker-of-a-new-one', downlinkAsKey: '*****' } }, headers: { 'content-type': 'application/merge-patch+json' } });
  t.equal(patched.status, 200, patched.text);
  t.match(patched.json, { name: 'Renamed', alarms: [] });
  t.match((await audits())[0], { action: 'merge', changed: ['name', 'alarms', 'configuration.secretAccessKey'] }, 'paths only');
  t.notMatch(JSON.stringify(await audits()), /marker/);
  const gone = await call({ method: 'PATCH', path: '/connections/main', body: { configuration: { downlinkAsKey: null, downlinkAsId: null } } });
  t.notOk('downlinkAsKey' in (gone.json['configuration'] as object), 'null takes a key away');
  const lost = await call({ method: 'PATCH', path: '/connections/main', body: { configuration: { downlinkAsKey: '*****', downlinkAsId: 'TWA_1' } } });
  t.strictSame([lost.status, wrongPaths(lost)], [400, ['configuration.downlinkAsKey']], 'then the mask stands for nothing');
  const masked = await call({ method: 'POST', path: '/connections', body: { ...shown, id: 'second' } });
  t.strictSame([masked.status, wrongPaths(masked).sort()], [400, ['configuration.downlinkAsKey', 'configuration.privateKey', 'configuration.secretAccessKey']], 'neither does it in a new one');
});

void t.test('answers of every kind may be sent back whole', async (t) => {
  const { call, version } = await openApi(t, { documented: true, live: running([]) });
  await call({ method: 'POST', path: '/network-servers', body: networkServer() });
  await call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'main' }) });
  await call({ method: 'POST', path: '/flows', body: flow({ matchers: [{ fPorts: [1, '10-20'] }] }) });
  for (const path of ['/network-servers/factory', '/connections/main', '/flows/all']) {
    const { json } = await call({ path });
    for (const method of ['PUT', 'PATCH'] as const) {
      const back = await call({ method, path, body: json });
      t.equal(back.status, 200, back.text);
      t.match(back.json, { ...json, revision: String(await version()), updatedAt: /Z$/ });
    }
  }
});

void t.test('ETags keep two people from overwriting each other', async (t) => {
  const { call, version } = await openApi(t, { documented: true });
  const { headers } = await call({ method: 'POST', path: '/network-servers', body: networkServer() });
  const etag = String(headers['etag']);
  const first = await call({ method: 'PATCH', path: '/network-servers/factory', body: { authenticate: { sources: ['192.0.2.0/24'] } }, headers: { 'if-match': etag } });
  t.equal(first.status, 200);
  const before = await version();
  for (const [method, body] of [['PATCH', {}], ['PUT', networkServer()], ['DELETE', undefined]] as const) {
    for (const wrong of [etag, '"17"', 'W/"17"', '17', '']) t.match(await call({ method, path: '/network-servers/factory', body, headers: { 'if-match': wrong } }), { status: 412, json: { reason: 'resource_changed' } }, `${method} ${wrong}`);
  }
  t.equal(await version(), before);
  t.equal((await call({ method: 'PUT', path: '/network-servers/factory', body: networkServer(), headers: { 'if-match': `"17", ${String(first.headers['etag'])}` } })).status, 200, 'one of a list');
  t.equal((await call({ method: 'PUT', path: '/network-servers/factory', body: networkServer(), headers: { 'if-match': 'W/"3"' } })).status, 200, 'as a compressing proxy hands it on');
  t.equal((await call({ method: 'PATCH', path: '/network-servers/factory', body: {}, headers: { 'if-match': '*' } })).status, 200);
  t.equal((await call({ method: 'PATCH', path: '/network-servers/factory', body: {} })).status, 200, 'the last one wins where nobody asks');
  t.equal((await call({ method: 'DELETE', path: '/network-servers/factory', headers: { 'if-match': '"6"' } })).status, 204);
  t.equal((await call({ path: '/network-servers/factory' })).status, 404);
});

void t.test('the id of a resource stays', async (t) => {
  const { call } = await openApi(t, { documented: true });
  await call({ method: 'POST', path: '/network-servers', body: networkServer() });
  for (const [method, body] of [['PUT', networkServer({ id: 'other' })], ['PATCH', { id: 'other' }], ['PUT', networkServer({ id: 'FACTORY' })]] as const) {
    const answer = await call({ method, path: '/network-servers/factory', body });
    t.match(answer, { status: 400, json: { errors: [{ path: 'id', message: /must be the id in the address/ }] } });
  }
  const { id: _id, ...without } = networkServer();
  t.equal((await call({ method: 'PUT', path: '/network-servers/factory', body: without })).status, 200, 'it may be left out');
  t.match(await call({ method: 'POST', path: '/network-servers', body: networkServer({ id: 'Factory' }) }), { status: 409, json: { reason: 'resource_exists', field: 'id' } });
  t.match(await call({ method: 'POST', path: '/network-servers', body: without }), { status: 400, json: { errors: [{ path: 'id', message: 'is required' }] } });
});

void t.test('refusals have their statuses', async (t) => {
  const { call } = await openApi(t, { documented: true, declared: declaredIn({ networkServers: [networkServer({ id: 'filed' })] }), backlog: () => ({ messages: 2, bytes: 20 }) });
  await call({ method: 'POST', path: '/network-servers', body: networkServer() });
  await call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'main' }) });
  t.match(await call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'second' }) }), { status: 409, json: { reason: 'flow_required' } });
  t.match(await call({ method: 'DELETE', path: '/connections/main' }), { status: 409, json: { reason: 'backlog_present', detail: /2 messages/ } });
  await call({ method: 'POST', path: '/flows', body: flow({ networkServers: ['factory'] }) });
  t.match(await call({ method: 'DELETE', path: '/network-servers/factory' }), { status: 409, json: { reason: 'resource_in_use', detail: 'used by flow all' } });
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const) t.match(await call({ method, path: '/network-servers/filed', ...(method === 'DELETE' ? {} : { body: {} }) }), { status: 409, json: { reason: 'resource_read_only' } }, method);
  t.equal((await call({ method: 'DELETE', path: '/flows/all' })).status, 204);
  t.equal((await call({ method: 'DELETE', path: '/connections/main?backlog=park&dryRun=true' })).status, 204);
  t.equal((await call({ path: '/connections/main' })).status, 200, 'a dry run');
  const gone = await call({ method: 'DELETE', path: '/connections/main?backlog=park' });
  t.strictSame([gone.status, gone.text], [204, '']);
});

const steps = [{ step: 'tls', result: 'ok', durationMs: 3 }, { step: 'publish', result: 'failed', durationMs: 1.5, reason: 'publish_forbidden', detail: 'no', missing: { policy: 'iot', action: 'iot:Publish', resource: 'arn:aws:iot:x' } }] as const;

const running = (checked: ConnectionConfig[]): Partial<LiveStatus> => ({
  connection: (id) =>
    id === 'main'
      ? { state: 'OPENED', since: 1_700_000_000_000, startupTime: 1_700_000_000_000, lastError: { reason: 'session_lost', time: 1_699_999_999_000 }, pending: { messages: 1, bytes: 2 }, sessions: 3, inFlight: 4, connects: 5, downlinks: { state: 'UNREACHABLE', since: 1_700_000_000_000, lastError: { reason: 'subscribe_refused', detail: 'no', time: 1_700_000_000_000 } }, things: { pending: 6, failing: { reason: 'registry_throttled', time: 1_700_000_000_000 } } }
      : undefined,
  networkServer: () => ({ lastMessageAt: 1_700_000_000_000, downlinks: { state: 'failing', lastError: { reason: 'network_server_unreachable', time: 1_700_000_000_000 } } }),
  async check(config) {
    checked.push(config);
    return steps;
  },
  policy: ({ id }) => ({ iot: { Version: '2012-10-17', Statement: [id] }, iam: { Version: '2012-10-17' } }),
  syncThings: async (_id, { apply }) => ({ applied: apply, counts: { ready: 1, missing: 1 }, things: [{ thingName: 'a', state: 'missing' }] }),
  events: async ({ kind, id }, { limit, after }) => ({ entries: [{ id: '7', subject: { kind, id }, time: 1_700_000_000_000, level: 'info', text: `${limit} ${after ?? ''}`, deviceId: 'd1' }], next: '6' }),
});

void t.test('what runs is shown, tried and asked', async (t) => {
  const checked: ConnectionConfig[] = [];
  const { call, version } = await openApi(t, { documented: true, live: running(checked) });
  await call({ method: 'POST', path: '/network-servers', body: networkServer() });
  await call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'main' }) });
  const since = '2023-11-14T22:13:20.000Z';
  t.match((await call({ path: '/connections/main' })).json, {
    state: 'OPENED',
    since,
    startupTime: since,
    lastError: { reason: 'session_lost', time: '2023-11-14T22:13:19.000Z' },
    pending: { messages: 1, bytes: 2 },
    sessions: 3,
    inFlight: 4,
    connects: 5,
    downlinks: { state: 'UNREACHABLE', since, lastError: { reason: 'subscribe_refused', detail: 'no', time: since } },
    things: { pending: 6, failing: { reason: 'registry_throttled', time: since } },
  });
  t.match((await call({ path: '/network-servers/factory' })).json, { webhook: '/in/factory', lastMessageAt: since, downlinks: { state: 'failing', lastError: { reason: 'network_server_unreachable' } } });
  t.strictSame((await call({ method: 'POST', path: '/connections/main/check' })).json, { ok: false, steps });
  t.strictSame((await call({ path: '/connections/main/policy' })).json, { iot: { Version: '2012-10-17', Statement: ['main'] }, iam: { Version: '2012-10-17' } });
  t.strictSame((await call({ method: 'POST', path: '/connections/main/things/sync' })).json, { applied: false, counts: { ready: 1, missing: 1 }, things: [{ thingName: 'a', state: 'missing' }] });
  t.match((await call({ method: 'POST', path: '/connections/main/things/sync?apply=true' })).json, { applied: true });
  for (const [path, kind, id] of [['/connections/main', 'connection', 'main'], ['/network-servers/factory', 'network-server', 'factory']] as const) {
    t.strictSame((await call({ path: `${path}/events?limit=5&after=8` })).json, { events: [{ id: '7', subject: { kind, id }, time: since, level: 'info', text: '5 8', device: 'd1' }], next: '6' });
  }
  const before = await version();
  checked.length = 0;
  const tried = await call({ method: 'PATCH', path: '/connections/main?dryRun=true', body: { configuration: { endpoint: 'localhost:9999', certificate: certificates.ending } } });
  t.match(tried, { status: 200, json: { valid: true, ok: false, steps, warnings: [{ path: 'configuration.certificate', message: /in less than 30 days/ }] } });
  t.match(checked[0]?.configuration.endpoint, { port: 9999 }, 'it tried what was sent');
  t.equal(checked[0]?.configuration.privateKey?.reveal(), certificates.key, 'with the secret that was kept');
  t.match(await call({ method: 'PUT', path: '/network-servers/factory?dryRun=true', body: networkServer({ authenticate: 'none' }) }), { status: 200, json: { valid: true, ok: true, steps: [], warnings: [{ path: 'authenticate' }] } });
  t.match(await call({ method: 'POST', path: '/flows?dryRun=true', body: flow() }), { status: 200, json: { valid: true, ok: true } });
  t.match(await call({ method: 'POST', path: '/flows?dryRun=true', body: flow({ connections: ['gone'] }) }), { status: 400 });
  t.equal(await version(), before, 'nothing was saved');
});

void t.test('what cannot be used is not tried', async (t) => {
  const { resources: store } = await openStore(t);
  const first = await openApi(t, { documented: true, store });
  await first.call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'main' }) });
  const { call } = await openApi(t, { documented: true, store, box: createSecretBox({ key: Buffer.alloc(32, 1), previousKeys: [] }) });
  for (const [method, path] of [['POST', '/connections/main/check'], ['GET', '/connections/main/policy'], ['POST', '/connections/main/things/sync']] as const) {
    t.match(await call({ method, path }), { status: 503, json: { reason: 'secrets_locked', detail: /configuration\.privateKey: the key [0-9a-f]{8} is not configured/ } }, path);
  }
  t.match(await call({ path: '/connections/main' }), { status: 200, json: { state: 'CLOSED', problems: [{ path: 'configuration.privateKey' }] } });
});

void t.test('connectors tell the JSON Schema of their connections', async (t) => {
  const { call } = await openApi(t, { documented: true });
  const { json } = await call({ path: '/connectors' });
  const connectors = json['connectors'] as { id: string; schema: { required: string[]; properties: { connectorId: object } } }[];
  t.strictSame(connectors.map(({ id }) => id), ['aws-iot', 'actility-aws-iot']);
  t.match((await call({ path: '/connectors/actility-aws-iot' })).json, { id: 'actility-aws-iot', schema: { type: 'object', properties: { connectorId: { const: 'actility-aws-iot' }, configuration: { properties: { privateKey: { writeOnly: true } } } } } });
  t.notOk(connectors[0]?.schema.required.includes('id'));
});

void t.test('the examples of the document run', async (t) => {
  const { call } = await openApi(t, { documented: true });
  const bodies = [['/network-servers', exampleNetworkServer, exampleNetworkServerPatch], ['/connections', exampleConnection(certificates.cert, certificates.key), exampleConnectionPatch], ['/flows', exampleFlow, exampleFlowPatch]] as const;
  for (const [path, body, patch] of bodies) {
    const made = await call({ method: 'POST', path, body });
    t.equal(made.status, 201, made.text);
    const where = String(made.headers['location']);
    t.equal((await call({ method: 'PUT', path: where, body })).status, 200);
    const patched = await call({ method: 'PATCH', path: where, body: patch });
    t.equal(patched.status, 200, patched.text);
    t.equal((await call({ path: `${path}?search=a&origin=api` })).status, 200);
  }
});

const filesUnder = async (folder: string): Promise<string[]> => (await readdir(folder, { withFileTypes: true, recursive: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

void t.test('no secret is in any answer, nor on the disk', async (t) => {
  const { resources: store, dataDir } = await openStore(t);
  const { call, audits } = await openApi(t, { documented: true, store, live: running([]) });
  const texts: string[] = [];
  const note = async (request: Parameters<typeof call>[0]): Promise<void> => {
    const { text, headers } = await call(request);
    texts.push(text, JSON.stringify(headers));
  };
  const server = networkServer({ kind: 'thingpark', authenticate: { header: { name: 'x-key', value: 'marker-header' } }, downlink: { url: 'http://127.0.0.1:1', asId: 'A', asKey: 'marker-as-key', proxy: 'http://u:marker-proxy@127.0.0.1:1' } });
  await note({ method: 'POST', path: '/network-servers', body: server });
  await note({ method: 'POST', path: '/connections', body: { ...thingParkConnection, id: 'main' } });
  await note({ method: 'POST', path: '/flows', body: flow({ networkServers: ['factory'] }) });
  for (const body of [{ ...thingParkConnection, id: 'main' }, { ...thingParkConnection, name: 5 }, { secretAccessKey: 'marker-misplaced', privateKey: certificates.key }]) {
    for (const [method, path] of [['POST', '/connections'], ['POST', '/connections?dryRun=true'], ['PUT', '/connections/main'], ['PATCH', '/connections/main'], ['POST', '/flows']] as const) await note({ method, path, body });
  }
  await note({ method: 'POST', path: '/connections', body: '{"secretAccessKey":"marker-broken' });
  for (const path of ['/connections', '/connections/main', '/connections/main/policy', '/connections/main/events', '/network-servers', '/network-servers/factory', '/flows', '/flows/all']) await note({ path });
  await note({ method: 'POST', path: '/connections/main/check' });
  t.ok(texts.length > 50);
  const privateKeyLine = certificates.key.split('\n')[1] ?? '';
  t.notMatch(texts.join('\n'), /marker/);
  t.notOk(texts.join('\n').includes(privateKeyLine));
  t.notMatch(JSON.stringify(await audits()), /marker/);
  const files = await filesUnder(dataDir);
  t.ok(files.length > 0);
  for (const file of files) {
    const bytes = await readFile(file);
    t.notOk(bytes.includes('marker') || bytes.includes(privateKeyLine), file.slice(dataDir.length));
    t.notOk(bytes.includes(Buffer.from('marker', 'utf16le')), file.slice(dataDir.length));
  }
});
