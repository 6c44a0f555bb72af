/** Every fixture, and every published webhook body where their folder lies beside the project, through the running bridge. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, parse } from 'node:path';
import t, { type Test } from 'tap';
import { BridgeError, reasons, type Reason } from '../../src/errors.js';
import type { NetworkServerKind } from '../../src/messages/message.js';
import type { NetworkServerSettings, WebhookRequest } from '../../src/network-servers/network-server.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { readFixtures, requestOfFile, runAdapter } from '../support/golden.js';
import { createHome, type HttpAnswer, type TestBridge } from './support/bridge.js';
import { startSandbox } from './support/broker.js';
import { unpaced } from './support/scenarios.js';

interface Case {
  readonly name: string;
  /** The network server that the case is posted to: one each, so that no case is another's duplicate. */
  readonly id: string;
  readonly kind: NetworkServerKind;
  readonly request: WebhookRequest;
  readonly settings: NetworkServerSettings;
}

const kinds: readonly NetworkServerKind[] = ['thingpark', 'the-things-stack', 'chirpstack', 'sigfox'];

const ownCases = (): Omit<Case, 'id'>[] =>
  kinds.flatMap((kind) => readFixtures(kind).fixtures.map(({ name, request, expected }) => ({ name: `${kind}/${name}`, kind, request, settings: expected.settings ?? {} })));

const published = '../shared/fixtures';
const folders: Readonly<Record<string, NetworkServerKind>> = { actility: 'thingpark', tts: 'the-things-stack', 'chirpstack-v3': 'chirpstack', 'chirpstack-v4': 'chirpstack', sigfox: 'sigfox' };

const publishedCases = (): Omit<Case, 'id'>[] =>
  Object.entries(folders).flatMap(([folder, kind]) =>
    readdirSync(join(published, folder)).map((file) => {
      const query = kind === 'chirpstack' ? `event=${parse(file).name.split('-')[0] ?? ''}` : '';
      const contentType = extname(file) === '.txt' && kind !== 'sigfox' ? { contentType: 'application/json' } : {};
      return { name: `${folder}/${file}`, kind, settings: {}, request: requestOfFile(extname(file), readFileSync(join(published, folder, file)), { query, ...contentType }) };
    }),
  );

const post = (bridge: TestBridge, { id, request }: Case): Promise<HttpAnswer> =>
  bridge.call(`/in/${id}${request.path}${request.rawQuery === '' ? '' : `?${request.rawQuery}`}`, {
    method: request.method,
    headers: request.headers as Record<string, string>,
    ...(request.body.length === 0 ? {} : { body: request.body }),
  });

/** What the parser says must be what the wire says: the golden tests hold the parser against the expected files. */
const carry = async (t: Test, cases: readonly Case[]): Promise<void> => {
  const broker = await startSandbox(['--publish-limit', '0']);
  t.teardown(() => broker.stop());
  const networkServers = cases.map(({ id, kind, settings }) => ({ id, kind, authenticate: 'none', ...settings }));
  const home = await createHome(broker, unpaced, { networkServers });
  t.teardown(() => home.remove());
  const bridge = await home.start();
  t.teardown(() => bridge.kill());
  const expected: { readonly name: string; readonly key: string; readonly message: object }[] = [];
  for (const one of cases) {
    const outcome = runAdapter(networkServerAdapters[one.kind], one.request, one.settings);
    const answer = await post(bridge, one);
    if ('error' in outcome) {
      const { reason, field } = outcome.error;
      t.equal(answer.status, new BridgeError(reason).row.httpStatus, one.name);
      t.match(JSON.parse(answer.body), { reason, ...(field === undefined ? {} : { field }) }, one.name);
      continue;
    }
    t.equal(answer.status, 204, one.name);
    const ids = String(answer.headers['x-message-id']).split(' ');
    outcome.messages.forEach(({ fields }, index) => expected.push({ name: one.name, key: ids[index] ?? '', message: JSON.parse(JSON.stringify(fields)) as object }));
  }
  const unique = new Map(expected.map((one) => [one.key, one]));
  await broker.received.until('the messages of all fixtures', (all) => all.length >= unique.size);
  const arrived = new Map(broker.received.all.map(({ topic, payload }) => [(JSON.parse(payload) as { id: string }).id, { topic, message: JSON.parse(payload) as { deviceId: string; type: string } }]));
  for (const { name, key, message } of unique.values()) {
    const found = arrived.get(key);
    t.match(found?.message, message, `${name} arrived as expected`);
    t.equal(found?.topic, `tpx/things/${found?.message.deviceId.toUpperCase()}/${found?.message.type.replace('-', '/')}`, `${name} on its topic`);
  }
  t.equal(arrived.size, unique.size, 'nothing else arrived');
  t.ok(unique.size > 20, `${unique.size} messages`);
  t.equal(await bridge.stop(), 0);
};

const numbered = (cases: readonly Omit<Case, 'id'>[]): Case[] => cases.map((one, index) => ({ ...one, id: `n${index}` }));

void t.test('every fixture goes in over HTTP, and comes out on MQTT or is refused with its reason', (t) => carry(t, numbered(ownCases())));

void t.test('so does every published body', async (t) => {
  if (!existsSync(published)) return t.comment('the published bodies are not beside the project');
  await carry(t, numbered(publishedCases()));
});

void t.test('every refusal has an HTTP status', async (t) => {
  const refusals = (Object.keys(reasons) as Reason[]).filter((reason) => new BridgeError(reason).row.httpStatus !== undefined);
  for (const reason of refusals) t.ok((new BridgeError(reason).row.httpStatus ?? 0) >= 400, reason);
});
