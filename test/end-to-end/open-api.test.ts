/** The whole bridge answers as its own OpenAPI document says, and every example in the document runs. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { certificatePlaceholder, privateKeyPlaceholder } from '../../src/api/resources/examples.js';
import { createDocumentCheck, type DocumentCheck, type OpenApiDocument } from '../api/support/document-check.js';
import { until } from '../support/until.js';
import type { HttpAnswer } from './support/bridge.js';
import { documentOf, readingPaths } from './support/document-crawl.js';
import { exampleCalls, operationsOf, type ExampleCall } from './support/document-examples.js';
import { accessKeyOf, seedConnection, setLiveScene, type LiveScene } from './support/live-scene.js';
import { postWebhook, reportsOf } from './support/reports.js';

const device = '70b3d5e75e00a1b2';
const factoryKey = 'the-key-that-chirpstack-sends';

interface Stage {
  readonly scene: LiveScene;
  readonly document: OpenApiDocument;
  readonly check: DocumentCheck;
  /** Operations that were answered with success, as `GET /devices/{id}`. */
  readonly run: Set<string>;
  /** One request; the test fails where the answer is not as documented. */
  readonly call: (call: ExampleCall) => Promise<HttpAnswer>;
}

/** One connection in the file whose topics need a tag, so that a message without it is parked. */
const setStage = async (t: Test): Promise<Stage> => {
  const scene = await setLiveScene(t, {
    file: (at) => ({ networkServers: [], connections: [seedConnection(at, { uplinkTopicPattern: 'up/{DevEUI}/{$.device.tags.site}', payloadFormat: 'normalised' }, { id: 'main' })], flows: [{ id: 'everything', connections: ['main'] }] }),
  });
  const document = await documentOf(scene.bridge);
  const check = createDocumentCheck(document);
  const run = new Set<string>();
  return {
    scene, document, check, run,
    async call({ method, path, body }) {
      const answer = await scene.bridge.private(path, { method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) }) });
      t.strictSame(check.wrongs(method, path, { ...answer, text: answer.body }), [], `${method} ${path} answers ${answer.status} as documented`);
      if (answer.status < 300) run.add(check.operationOf(method, path) ?? '');
      return answer;
    },
  };
};

/** Puts the sandbox's own certificate where the document shows a placeholder. */
const filled = ({ scene: { broker } }: Stage, { body, ...call }: ExampleCall): ExampleCall => {
  if (body === undefined) return call;
  const texts: Readonly<Record<string, string>> = { [certificatePlaceholder]: readFileSync(broker.certificate, 'utf8'), [privateKeyPlaceholder]: readFileSync(broker.privateKey, 'utf8') };
  return { ...call, body: JSON.parse(JSON.stringify(body), (_key, value: unknown) => (typeof value === 'string' ? (texts[value] ?? value) : value)) as unknown };
};

const examplesOf = (stage: Stage, method: string, wanted: (path: string) => boolean = () => true): readonly ExampleCall[] =>
  operationsOf(stage.document).filter((one) => one.method === method && wanted(one.path)).flatMap(exampleCalls).map((call) => filled(stage, call));

const succeed = async (t: Test, stage: Stage, calls: readonly ExampleCall[]): Promise<readonly HttpAnswer[]> => {
  const answers: HttpAnswer[] = [];
  for (const call of calls) {
    const answer = await stage.call(call);
    t.ok(answer.status < 300, `${call.method} ${call.path}: ${answer.status} ${answer.status < 300 ? '' : answer.body}`);
    answers.push(answer);
  }
  return answers;
};

const isResource = (path: string): boolean => /^\/(connections|network-servers|flows)(\/\{id\})?$/.test(path);
const order = ['/network-servers', '/connections', '/flows'];
const byOrder = (calls: readonly ExampleCall[]): readonly ExampleCall[] => [...calls].sort((a, b) => order.findIndex((one) => a.path.startsWith(one)) - order.findIndex((one) => b.path.startsWith(one)));

/** The examples' connection leads to AWS itself, where no test may go. */
const leadToSandbox = async (t: Test, { scene: { bridge, broker, registry } }: Stage): Promise<void> => {
  const { id: accessKeyId, secret: secretAccessKey } = accessKeyOf(broker);
  const configuration = { endpoint: broker.endpoint, caCertificate: readFileSync(broker.caCertificate, 'utf8'), registryEndpoint: registry, accessKeyId, secretAccessKey };
  t.equal((await bridge.api('PATCH', '/connections/paris', { configuration })).status, 200);
};

/** Nine messages without the tag are parked, and those of the example's network server make its device known. */
const sendUplinks = async (t: Test, { scene: { bridge } }: Stage): Promise<void> => {
  t.equal((await bridge.api('PATCH', '/network-servers/factory', { authenticate: { header: { name: 'x-api-key', value: factoryKey } }, downlink: { url: 'http://127.0.0.1:9' } })).status, 200);
  for (let fCnt = 1; fCnt <= 9; fCnt += 1) {
    const uplink = reportsOf.chirpstack.uplink(device, fCnt);
    t.equal((await postWebhook(bridge, 'factory', { ...uplink, headers: { 'x-api-key': factoryKey } })).status, 204);
  }
  await until('nine parked messages', async () => ((await bridge.api('GET', '/parked-messages')).json['parkedMessages'] as unknown[]).length === 9);
};

const idIn = (answer: HttpAnswer | undefined, pattern: RegExp): string => pattern.exec(answer?.body ?? '')?.[1] ?? '';

void t.test('the document is valid OpenAPI 3.1, says the same as YAML and names no other host', async (t) => {
  const { scene: { bridge }, document, call } = await setStage(t);
  t.equal(document['openapi'], '3.1.0');
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  t.ok(valid, JSON.stringify(errors));
  t.strictSame(parse((await call({ method: 'GET', path: '/openapi.yaml' })).body), document);
  t.ok(operationsOf(document).length >= 40, `${operationsOf(document).length} operations`);
  for (const path of ['/connections', '/network-servers', '/flows', '/connectors', '/downlinks', '/devices', '/parked-messages', '/events', '/audit', '/tokens', '/health', '/metrics']) t.ok(path in document.paths, path);

  const page = await bridge.private('/docs');
  t.equal(page.status, 200);
  t.match(page.headers, { 'content-type': /^text\/html/, 'content-security-policy': /default-src 'none'/ });
  t.notMatch(page.body, /https?:\/\//, 'the page names no other host');
  t.notMatch(String(page.headers['content-security-policy']), /https?:|\*/);
  const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => new URL(link, 'http://bridge.invalid/docs'));
  t.ok(links.length > 3);
  for (const { host, pathname } of links) t.strictSame([host, (await bridge.private(pathname)).status], ['bridge.invalid', 200], pathname);
});

void t.test('every example runs on the whole bridge, and is answered as documented', async (t) => {
  const stage = await setStage(t);
  const { document, call, run } = stage;
  await succeed(t, stage, byOrder(examplesOf(stage, 'POST', isResource).filter(({ path }) => path.endsWith('?dryRun=false'))));
  await succeed(t, stage, [...byOrder(examplesOf(stage, 'PUT')), ...byOrder(examplesOf(stage, 'PATCH'))]);
  await leadToSandbox(t, stage);
  await succeed(t, stage, [{ method: 'PATCH', path: '/flows/factory-to-paris', body: { active: true } }]);
  await sendUplinks(t, stage);

  const [first] = await succeed(t, stage, examplesOf(stage, 'POST', (path) => path === '/downlinks'));
  const [made] = await succeed(t, stage, examplesOf(stage, 'POST', (path) => path === '/tokens').slice(0, 1));
  const ids = { '/downlinks/': idIn(first, /"(?:downlinkId|id)":"([0-9a-f]{32})"/), '/tokens/': idIn(made, /"id":"([0-9a-f]{16})"/) };
  t.ok(Object.values(ids).every((id) => id !== ''), JSON.stringify(ids));
  /** Ids that the bridge makes up are not those of the document. */
  const real = (one: ExampleCall): ExampleCall => {
    const [start, id] = Object.entries(ids).find(([known]) => one.path.startsWith(known)) ?? [];
    return start === undefined || id === undefined ? one : { ...one, path: one.path.replace(/^\/[^/]+\/[^/?]+/, `${start}${id}`) };
  };
  await succeed(t, stage, examplesOf(stage, 'GET').map(real));
  const rest = examplesOf(stage, 'POST', (path) => !isResource(path) && !['/downlinks', '/tokens', '/parked-messages/replay'].includes(path));
  await succeed(t, stage, rest.filter(({ path }) => !path.startsWith('/parked-messages')));
  await succeed(t, stage, rest.filter(({ path }) => path.startsWith('/parked-messages')));
  await succeed(t, stage, examplesOf(stage, 'POST', (path) => path === '/parked-messages/replay'));

  const parked = ((await stage.scene.bridge.api('GET', '/parked-messages')).json['parkedMessages'] as readonly { readonly id: string }[])[0]?.id ?? '';
  const removals = examplesOf(stage, 'DELETE').map(real).map((one) => ({ ...one, path: one.path.replace(/^\/parked-messages\/\d+/, `/parked-messages/${parked}`) }));
  // With everything that may stand in the query: without `backlog` a connection with messages stays.
  const last = removals.filter(({ path }) => !removals.some((other) => other.path.startsWith(`${path}?`)));
  const ofResources = last.filter(({ path }) => order.some((one) => path.startsWith(one)));
  const others = last.filter((one) => !ofResources.includes(one)).sort((a, b) => Number(a.path.startsWith('/parked-messages?')) - Number(b.path.startsWith('/parked-messages?')));
  await succeed(t, stage, [...others, ...[...byOrder(ofResources)].reverse()]);

  const all = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
  t.strictSame(all.filter((one) => !run.has(one)), [], 'every operation was answered with success');
  t.match(await call({ method: 'GET', path: '/connections/paris' }), { status: 404 });
});

void t.test('what is refused is answered as documented too', async (t) => {
  const stage = await setStage(t);
  const { document, call } = stage;
  const nobody = { connections: ['nobody'], 'network-servers': ['nobody'], flows: ['nobody'], connectors: ['nobody'], devices: ['00000000000000ff'], downlinks: ['0'.repeat(32)], 'parked-messages': ['4711'], tokens: ['0'.repeat(16)] };
  for (const path of readingPaths(document, nobody).filter((one) => Object.values(nobody).flat().some((id) => one.includes(`/${id}`)))) {
    t.match(await call({ method: 'GET', path }), { status: 404, headers: { 'content-type': /^application\/problem\+json/ } }, path);
  }
  for (const { method, path } of operationsOf(document).filter(({ method }) => ['POST', 'PUT', 'PATCH'].includes(method))) {
    const address = path.replace('{id}', 'nobody');
    const bad = await call({ method, path: address, body: '{"half' });
    t.ok([400, 404].includes(bad.status), `${method} ${address}: ${bad.status}`);
    const list = await call({ method, path: address, body: [] });
    t.ok(list.status >= 400 && list.status < 500, `${method} ${address} with a list: ${list.status}`);
  }
  t.match(await call({ method: 'DELETE', path: '/connections/main' }), { status: 409 });
  t.match(await call({ method: 'GET', path: '/connections?limit=0' }), { status: 400 });
  t.match(await call({ method: 'POST', path: '/flows', body: { id: 'lost', connections: ['nobody'] } }), { status: 400 });
  t.match(await call({ method: 'GET', path: '/nowhere' }), { status: 404 });
});
