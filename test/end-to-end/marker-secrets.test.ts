/** Secrets that each hold a text of their own go in by every way there is; that text must come out nowhere. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { checkCommand } from '../../src/cli/check.js';
import type { Command } from '../../src/cli/command.js';
import { policyCommand } from '../../src/cli/policy.js';
import { printConfigCommand } from '../../src/cli/print-config.js';
import { createTestCertificates, type TestCertificates } from '../support/certificates.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import { runCommand } from '../support/run-command.js';
import { until } from '../support/until.js';
import type { ApiAnswer } from './support/bridge.js';
import { readEverything } from './support/document-crawl.js';
import { urlOf } from './support/dry-run.js';
import { startEchoApi, type EchoApi } from './support/echo-api.js';
import { accessKeyOf, seedConnection, setLiveScene, untilState, type LiveScene } from './support/live-scene.js';
import { authentication, kinds, uplinkOf, ways, type MarkedServer } from './support/marked-servers.js';
import { createMarkers, filesIn, valuesOfRedis, type Markers } from './support/markers.js';
import { refusedDocuments } from './support/refused-documents.js';
import { postWebhook, type Webhook } from './support/reports.js';

interface Stage {
  readonly scene: LiveScene;
  readonly markers: Markers;
  readonly echo: EchoApi;
  readonly certificates: TestCertificates;
  /** Every answer so far. */
  readonly answers: string[];
  readonly ask: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<ApiAnswer>;
  /** A body that is sent as it is. */
  readonly askRaw: (path: string, body: string) => Promise<ApiAnswer>;
  readonly send: (server: Pick<MarkedServer, 'id'>, webhook: Webhook) => Promise<number>;
}

const fileOf = (markers: Markers, redis: RedisServer | undefined, certificates: TestCertificates) => (at: Pick<LiveScene, 'broker' | 'registry'>): object => ({
  log: { level: 'trace' },
  shutdownTimeout: '2s',
  secrets: { key: markers.adopt('secrets.key', randomBytes(32).toString('base64')), previousKeys: [markers.adopt('secrets.previousKeys', randomBytes(32).toString('base64'))] },
  ...(redis === undefined ? {} : { redis: { url: redis.url } }),
  networkServers: [{ id: 'filed', kind: 'chirpstack', authenticate: authentication('header', markers.text('filed-header')), downlink: { url: 'http://127.0.0.1:9', apiToken: markers.text('filed-api-token') } }],
  connections: [seedConnection(at, { certificateId: '', certificate: certificates.cert, privateKey: certificates.key, secretAccessKey: markers.text('filed-secret-key'), downlinkAsId: 'TWA_1', downlinkAsKey: markers.text('filed-as-key') }, { id: 'filed', active: false })],
  flows: [{ id: 'filed', networkServers: ['filed'], connections: ['filed'] }],
});

const setStage = async (t: Test, redis: RedisServer | undefined, markers: Markers): Promise<Stage> => {
  const certificates = await createTestCertificates();
  markers.adopt('filed-private-key', certificates.key);
  const echo = await startEchoApi();
  t.teardown(() => echo.stop());
  const scene = await setLiveScene(t, { file: fileOf(markers, redis, certificates) });
  markers.adopt('private-key', readFileSync(scene.broker.privateKey, 'utf8'));
  markers.adopt('secret-access-key', accessKeyOf(scene.broker).secret);
  const answers: string[] = [];
  const note = (what: string, answer: ApiAnswer): ApiAnswer => {
    answers.push(`${what}: ${answer.status} ${JSON.stringify(answer.headers)} ${answer.body}`);
    return answer;
  };
  return {
    scene, markers, echo, certificates, answers,
    ask: async (method, path, body, headers) => note(`${method} ${path}`, await scene.bridge.api(method, path, body, headers)),
    askRaw: async (path, body) => note(`raw ${path}`, { ...(await scene.bridge.private(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })), json: {} }),
    async send({ id }, webhook) {
      const answer = await postWebhook(scene.bridge, id, webhook);
      answers.push(`webhook ${id}: ${answer.status} ${JSON.stringify(answer.headers)} ${answer.body}`);
      return answer.status;
    },
  };
};

/** How downlinks go back: each kind with its own credentials, one through a proxy, one with what its webhooks bring. */
const downlinkOf = ({ id, kind, way }: Pick<MarkedServer, 'id' | 'kind' | 'way'>, { echo, markers }: Stage): object => {
  const tuned = { timeout: '2s', attempts: 2, backoff: { min: '50ms', max: '100ms' } };
  if (kind === 'sigfox') return {};
  if (kind === 'thingpark') return { ...tuned, url: echo.url, asId: 'TWA_1', asKey: markers.text(`${id}-as-key`) };
  if (kind === 'the-things-stack' && way === 'header') return { ...tuned, allowedHosts: [echo.host] };
  const proxied = kind === 'chirpstack' && way === 'basic' ? { proxy: `http://proxy-user:${markers.text(`${id}-proxy`)}@${echo.host}` } : {};
  const named = kind === 'the-things-stack' ? { applicationId: 'city', webhookId: 'bridge' } : {};
  return { ...tuned, ...named, ...proxied, url: echo.url, apiToken: markers.text(`${id}-api-token`) };
};

const makeServers = async (t: Test, stage: Stage): Promise<readonly MarkedServer[]> => {
  const servers: MarkedServer[] = kinds.flatMap((kind, row) =>
    ways.filter((way) => way !== 'token' || kind === 'thingpark').map((way, column) => ({ id: `${kind}-${way}`, kind, way, device: kind === 'sigfox' ? `2c30e${column}` : `00aa0000000000${row}${column}`, secret: stage.markers.text(`${kind}-${way}`) })),
  );
  for (const server of servers) {
    const { id, kind, way, secret } = server;
    t.equal((await stage.ask('POST', '/network-servers', { id, kind, authenticate: authentication(way, secret), downlink: downlinkOf(server, stage) })).status, 201, id);
  }
  return servers;
};

/** One that carries the traffic, one over WebSocket, and one that rests. */
const makeConnections = async (t: Test, stage: Stage): Promise<void> => {
  const { scene, markers, ask } = stage;
  const other = await createTestCertificates();
  const own = (name: string, configuration: object, active: boolean): object => seedConnection(scene, { downlinkAsId: 'TWA_2', downlinkAsKey: markers.text(`${name}-as-key`), ...configuration }, { id: name, active });
  t.equal((await ask('POST', '/connections', own('main', { clientIdPrefix: 'main' }, true))).status, 201);
  t.equal((await ask('POST', '/flows', { id: 'all', connections: ['main'] })).status, 201);
  const { port } = scene.broker.address['wss'] as { readonly port: number };
  t.equal((await ask('POST', '/connections', own('wss', { protocol: 'WSS', endpoint: `localhost:${port}`, clientIdPrefix: 'wss' }, true))).status, 201);
  const resting = own('resting', { certificateId: '', certificate: other.cert, privateKey: markers.adopt('resting-private-key', other.key), secretAccessKey: markers.text('resting-secret-key') }, false);
  t.equal((await ask('POST', '/connections', resting)).status, 201);
  for (const id of ['main', 'wss']) await untilState(scene.bridge, id, 'OPENED');
};

/** Masks are sent back, secrets are replaced, and changes are refused. */
const change = async (t: Test, { markers, ask, certificates }: Stage, servers: readonly MarkedServer[]): Promise<void> => {
  const stale = { 'if-match': '"999999"' };
  for (const server of servers.filter(({ way }) => way === 'bearer')) {
    const path = `/network-servers/${server.id}`;
    const { json: shown } = await ask('GET', path);
    t.match(shown, { authenticate: { bearer: '*****' } });
    t.equal((await ask('PUT', path, shown)).status, 200, 'the mask keeps the secret');
    t.equal((await ask('PATCH', path, { authenticate: { bearer: markers.text(`${server.id}-stale`) } }, stale)).status, 412);
    server.secret = markers.text(`${server.id}-new`);
    t.equal((await ask('PATCH', path, { authenticate: { bearer: server.secret } })).status, 200);
  }
  const { json: shown } = await ask('GET', '/connections/resting');
  const configuration = shown['configuration'] as object;
  t.match(configuration, { privateKey: '*****', secretAccessKey: '*****', downlinkAsKey: '*****' });
  t.equal((await ask('PUT', '/connections/resting', { ...shown, configuration: { ...configuration, secretAccessKey: markers.text('put-secret-key') } })).status, 200);
  t.equal((await ask('PATCH', '/connections/resting', { configuration: { downlinkAsKey: markers.text('patched-as-key') } })).status, 200);
  t.equal((await ask('PUT', '/connections/resting', { ...shown, configuration: { ...configuration, secretAccessKey: markers.text('stale-secret-key') } }, stale)).status, 412);
  t.equal((await ask('PATCH', '/connections/resting', { configuration: { privateKey: markers.adopt('of-another-pair', certificates.otherKey) } })).status, 400);
  t.equal((await ask('PATCH', '/connections/filed', { configuration: { secretAccessKey: markers.text('read-only-secret-key') } })).status, 409);
};

const refuse = async (t: Test, stage: Stage): Promise<void> => {
  for (const [path, body] of refusedDocuments(stage)) {
    const { status } = await stage.ask('POST', path, body);
    t.ok(status >= 400 && status < 500, `${path} is refused: ${status}`);
  }
  for (const path of ['/connections', '/network-servers', '/tokens', '/downlinks']) {
    t.equal((await stage.askRaw(path, `{"privateKey": "${stage.markers.text(`raw-${path.slice(1)}`)}`)).status, 400, `${path}: half a document`);
    t.equal((await stage.askRaw(path, stage.markers.text(`bare-${path.slice(1)}`))).status, 400, `${path}: no JSON`);
  }
};

const tryOut = async (t: Test, { scene, markers, ask }: Stage): Promise<void> => {
  const wrong = seedConnection(scene, { secretAccessKey: markers.text('dry-run-secret-key') }, { id: 'dry' });
  t.match((await ask('POST', '/connections?dryRun=true', wrong)).json, { valid: true, ok: false });
  await Promise.all(['main', 'wss', 'resting'].map(async (id) => t.equal((await ask('POST', `/connections/${id}/check`)).status, 200)));
  const { json } = await scene.bridge.api('POST', '/tokens', { name: 'marked', role: 'read' });
  const token = markers.adopt('api-token', String(json['token']));
  t.equal((await ask('GET', '/devices', undefined, { authorization: `Bearer ${token}` })).status, 200);
  for (const name of ['wrong-bearer', 'wrong-basic']) await ask('GET', '/devices', undefined, { authorization: `${name.slice(6)} ${markers.text(name)}` });
  await ask('GET', '/devices', undefined, { authorization: `Bearer ${markers.adopt('unknown-token', `lpb_${randomBytes(32).toString('base64url')}`)}` });
};

/** Where The Things Stack says that its downlinks go. */
const downlinkHeaders = ({ echo }: Stage, { device }: MarkedServer, key: string): Readonly<Record<string, string>> => {
  const base = `${echo.url}/api/v3/as/applications/city-parking/webhooks/aws-bridge/devices/eui-${device}/down`;
  return { 'x-downlink-apikey': key, 'x-downlink-push': `${base}/push`, 'x-downlink-replace': `${base}/replace` };
};

/** Webhooks with right and with wrong credentials. */
const carryUplinks = async (t: Test, stage: Stage, servers: readonly MarkedServer[]): Promise<void> => {
  const { markers } = stage;
  for (const server of servers) {
    const right = uplinkOf(server, server.secret);
    const learned = server.id === 'the-things-stack-header' ? downlinkHeaders(stage, server, markers.text('downlink-api-key')) : {};
    t.equal(await stage.send(server, { ...right, headers: { ...right.headers, ...learned } }), 204, `${server.id}: its secret opens`);
    const wrong = uplinkOf(server, markers.text(`${server.id}-wrong`));
    t.equal(await stage.send(server, { ...wrong, headers: { ...wrong.headers, 'x-downlink-apikey': markers.text(`${server.id}-refused-key`) } }), 401, `${server.id}: another does not`);
  }
  const tokens = servers.filter(({ way }) => way === 'token');
  for (const server of tokens) t.equal(await stage.send(server, { ...uplinkOf(server, server.secret), path: `?AS_ID=1&Token=${markers.text('token-in-the-query')}` }), 401);
};

const uplinksArrived = (stage: Stage, servers: readonly MarkedServer[]): Promise<void> =>
  stage.scene.broker.received.until('the uplinks', (all) => servers.every(({ device }) => all.some(({ topic }) => topic === `tpx/things/${device.toUpperCase()}/uplink`)), 20_000);

/** Downlinks with keys in the document, to APIs that refuse and quote what they got. */
const carryDownlinks = async (t: Test, stage: Stage, servers: readonly MarkedServer[]): Promise<void> => {
  const { echo, markers, scene } = stage;
  const targets = servers.filter(({ kind }) => kind !== 'sigfox');
  const message = ({ id, device }: MarkedServer): object => ({ DevEUI_downlink: { DevEUI: device, FPort: '1', payload_hex: '00', CorrelationID: `c-${id}`, AS_ID: 'TWA_9', AS_KEY: markers.text(`${id}-document-key`), Token: markers.text(`${id}-document-token`) } });
  await scene.broker.publish(targets.map((server) => ({ topic: `tpx/things/${server.device.toUpperCase()}/downlink`, payload: JSON.stringify(message(server)) })));
  await scene.broker.publish([{ topic: `tpx/things/${targets[0]?.device.toUpperCase() ?? ''}/downlink`, payload: `{"AS_KEY":"${markers.text('half-a-downlink')}` }]);
  await scene.broker.received.until('every downlink to have failed', (all) => targets.filter(({ id }) => id !== 'chirpstack-basic').every(({ id }) => all.some(({ payload }) => payload.includes(`c-${id}"`) && payload.includes('"failed"'))), 20_000);
  await until('the request through the proxy', () => echo.requests.some((text) => text.startsWith('CONNECT')));
  const quoted = markers.foundIn(echo.requests.join('\n'));
  for (const name of ['chirpstack-header-api-token', 'chirpstack-bearer-api-token', 'chirpstack-basic-proxy', 'the-things-stack-basic-api-token', 'downlink-api-key']) t.ok(quoted.includes(name), `${name} was used`);
};

/** A connection that goes leaves parked messages behind, and nothing of its secrets. */
const leave = async (t: Test, { scene, markers, ask, send }: Stage, servers: readonly MarkedServer[]): Promise<void> => {
  const [server] = servers;
  if (server === undefined) throw new Error('there is no network server');
  t.equal((await ask('POST', '/connections', seedConnection(scene, { secretAccessKey: markers.text('leaving-secret-key') }, { id: 'leaving', active: false }))).status, 201);
  t.equal((await ask('POST', '/flows', { id: 'leaving', networkServers: [server.id], connections: ['leaving'] })).status, 201);
  t.equal(await send(server, uplinkOf(server, server.secret)), 204);
  t.equal((await ask('DELETE', '/flows/leaving')).status, 204);
  t.equal((await ask('DELETE', '/connections/leaving?backlog=park')).status, 204);
  await until('the parked message', async () => (await ask('GET', '/parked-messages')).body.includes('connection_deleted'));
};

const commandLine = async (t: Test, { scene, answers }: Stage): Promise<void> => {
  const named = ['--config', scene.home.file];
  const ofBoth = (command: Command) => ['filed', 'main'].map((id) => ({ command, args: [id, ...named, '--url', urlOf(scene)] }));
  const runs = [{ command: printConfigCommand, args: named }, ...ofBoth(checkCommand), ...ofBoth(policyCommand)];
  for (const { command, args } of runs) {
    const { code, stdout, stderr } = await runCommand(command, args);
    t.ok(stdout !== '' && (code === 0 || command === checkCommand), `${command.name} ${args[0] ?? ''}`);
    answers.push(`${command.name}: ${stdout}${stderr}`);
  }
};

const idsIn = async ({ scene }: Stage, path: string, list: string): Promise<readonly string[]> => {
  const { json } = await scene.bridge.api('GET', `${path}?limit=100`);
  return (json[list] as readonly { readonly id: string }[]).map(({ id }) => id);
};

const downlinkIds = ({ scene }: Stage): readonly string[] => [...new Set(scene.broker.received.all.flatMap(({ payload }) => /"downlinkId":"([^"]+)"/.exec(payload)?.[1] ?? []))];

const nothingIn = (t: Test, markers: Markers, places: ReadonlyMap<string, Buffer | string>): void => {
  for (const [place, bytes] of places) t.strictSame(markers.foundIn(bytes), [], place);
};

const search = async (t: Test, stage: Stage, redis: RedisServer | undefined): Promise<void> => {
  const { scene, markers, answers } = stage;
  const { bridge, broker, home } = scene;
  const connectors = ((await bridge.api('GET', '/connectors')).json['connectors'] as readonly { readonly id: string }[]).map(({ id }) => id);
  const ids = {
    connectors,
    connections: await idsIn(stage, '/connections', 'connections'), 'network-servers': await idsIn(stage, '/network-servers', 'networkServers'), flows: await idsIn(stage, '/flows', 'flows'),
    devices: await idsIn(stage, '/devices', 'devices'), downlinks: downlinkIds(stage).slice(0, 20), 'parked-messages': await idsIn(stage, '/parked-messages', 'parkedMessages'),
  };
  const fetched = await readEverything(bridge, ids);
  for (const { path, status } of fetched) t.equal(status, 200, `GET ${path}`);
  t.ok(fetched.some(({ path, body }) => path === '/connections/main' && body.includes('"privateKey":"*****"')));
  t.ok(fetched.some(({ path, body }) => path === '/events' && body.includes('unauthenticated')), 'the refused webhooks are events');
  nothingIn(t, markers, new Map(fetched.map(({ path, body, headers }) => [`GET ${path}`, `${JSON.stringify(headers)} ${body}`])));
  nothingIn(t, markers, new Map(answers.map((answer) => [answer.slice(0, 60), answer])));
  nothingIn(t, markers, new Map(broker.received.all.map(({ topic, payload }, index) => [`message ${index} on ${topic}`, payload])));
  if (redis !== undefined) {
    const values = await valuesOfRedis(redis.url);
    t.ok([...values.values()].some((value) => value.includes('$sealed')), 'sealed secrets are in Redis');
    nothingIn(t, markers, values);
    await redis.kill();
    await until('the bridge to say that Redis is away', async () => (await bridge.private('/health')).body.includes('redis'));
  }
  t.equal(await bridge.stop(), 0);
  const files = await filesIn(join(dirname(home.file), 'data'));
  t.ok(files.size > 3 && [...files.values()].some((bytes) => bytes.includes('$sealed')), 'sealed secrets are in the files');
  nothingIn(t, markers, files);
  const log = bridge.program.output();
  t.ok(log.includes('"level":"trace"') || log.includes('"level":"debug"') || log.includes('"level":"info"'));
  t.strictSame(markers.foundIn(log), [], 'the log');
};

for (const store of ['local', 'redis'] as const) {
  void t.test(`no secret comes out in clear text (store: ${store})`, async (t) => {
    const markers = createMarkers();
    const password = markers.text('redis-password');
    const redis = store === 'redis' ? await startRedisServer({ settings: { requirepass: password }, credentials: `:${password}@` }) : undefined;
    if (redis !== undefined) t.teardown(() => redis.stop());
    t.strictSame(markers.foundIn(`x${Buffer.from(`ab${password}yz`).toString('base64')}`), ['redis-password'], 'the search finds what is there');
    const stage = await setStage(t, redis, markers);
    await makeConnections(t, stage);
    const servers = await makeServers(t, stage);
    await change(t, stage, servers);
    await refuse(t, stage);
    await tryOut(t, stage);
    await carryUplinks(t, stage, servers);
    await uplinksArrived(stage, servers);
    await carryDownlinks(t, stage, servers);
    await leave(t, stage, servers);
    await commandLine(t, stage);
    await search(t, stage, redis);
  });
}
