import t from 'tap';
import type { JsonObject, ResourceStore, StoredResource } from '../../../src/api/ports.js';
import type { Effective, Removal } from '../../../src/api/resources/effective.js';
import { kindRows } from '../../../src/api/resources/kinds.js';
import { createResources, type Resources } from '../../../src/api/resources/resources.js';
import { sealSecrets } from '../../../src/api/resources/secrets.js';
import { createSecretBox } from '../../../src/config/secret-box.js';
import { BridgeError } from '../../../src/errors.js';
import { createTestCertificates } from '../../support/certificates.js';
import { until } from '../../support/until.js';
import { actor, noneDeclared, openApi, silent, testBox, testKey } from './support/api.js';
import { declaredIn } from './support/declared.js';
import { connection, flow, networkServer, type Document } from './support/documents.js';
import { openStore } from './support/open-store.js';

const certificates = await createTestCertificates();
const options = { actor };

const make = (store: ResourceStore, box = testBox): Resources => createResources({ store, box, declared: noneDeclared, backlog: () => ({ messages: 0, bytes: 0 }), logger: silent });

const reasonOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'saved', (error: unknown) => (error instanceof BridgeError ? error.reason : String(error)));

void t.test('what is saved is in force, with its secrets open, and is told', async (t) => {
  const { resources, store } = await openApi(t);
  const told: Effective[] = [];
  const stop = resources.onChange((effective) => told.push(effective));
  const { view, config } = await resources.create('connection', connection(certificates, { id: 'main' }), options);
  t.match(view, { kind: 'connection', id: 'main', origin: 'api', revision: '1', active: true, problems: [] });
  t.equal(config.configuration.privateKey?.reveal(), certificates.key);
  t.equal(told.length, 1);
  t.equal(told[0], resources.effective());
  const live = resources.effective().connections.get('main');
  t.match(live, { id: 'main', origin: 'api', problem: undefined });
  t.equal(live?.config.configuration.privateKey?.reveal(), certificates.key);
  const kept = (await store.read()).resources[0];
  t.equal(live?.createdAt, kept?.createdAt);
  t.notMatch(JSON.stringify(kept), /BEGIN PRIVATE KEY/);
  stop();
  await resources.merge('connection', 'main', { name: 'Main' }, options);
  t.equal(told.length, 1, 'nobody listens any more');
});

void t.test('a listener that fails does not undo the change, nor keep it from the others', async (t) => {
  const { resources } = await openApi(t);
  const told: string[] = [];
  resources.onChange(() => {
    throw new Error('a fault');
  });
  resources.onChange((effective) => told.push(...effective.networkServers.keys()));
  t.match(await resources.create('network-server', networkServer(), options), { view: { id: 'factory' } });
  t.strictSame(told, ['factory']);
});

void t.test('the revision in force changes with what a document says and with nothing else', async (t) => {
  const { resources } = await openApi(t);
  await resources.create('network-server', networkServer(), options);
  await resources.create('network-server', networkServer({ id: 'other' }), options);
  const revisionOf = (id: string): string => resources.effective().networkServers.get(id)?.revision ?? '';
  const [factory, other] = [revisionOf('factory'), revisionOf('other')];
  await resources.replace('network-server', 'factory', networkServer(), options);
  t.equal(revisionOf('factory'), factory, 'the same document again');
  await resources.merge('network-server', 'factory', { authenticate: { bearer: 'another-bearer' } }, options);
  t.not(revisionOf('factory'), factory, 'a new secret');
  t.equal(revisionOf('other'), other, 'the others are not touched');
});

void t.test('every replica follows the others; one that missed a change plans again by it', async (t) => {
  const { resources: store } = await openStore(t);
  const [one, two] = [make(store), make(store)];
  t.teardown(() => [one, two].forEach((resources) => resources.close()));
  const seen: string[] = [];
  two.onChange((effective) => seen.push([...effective.networkServers.keys()].join()));
  await one.create('network-server', networkServer(), options);
  await until('the other replica has it', () => two.effective().networkServers.has('factory'));
  t.strictSame(seen, ['factory']);
  t.equal(await reasonOf(two.create('network-server', networkServer({ id: 'FACTORY' }), options)), 'resource_exists');
  await two.remove('network-server', 'factory', options);
  await until('the first one follows', () => one.effective().networkServers.size === 0);
});

void t.test('many writers at once: every change is there, and of two with one ETag one wins', async (t) => {
  const { resources: store } = await openStore(t);
  const [first, second, third] = [make(store), make(store), make(store)];
  const replicas = [first, second, third];
  t.teardown(() => replicas.forEach((resources) => resources.close()));
  const ids = Array.from({ length: 24 }, (_, index) => `server-${index}`);
  await Promise.all(ids.map((id, index) => ([first, second][index % 3] ?? third).create('network-server', networkServer({ id }), options)));
  t.strictSame((await store.read()).resources.map(({ id }) => id).sort(), [...ids].sort());
  await Promise.all(replicas.map((resources) => resources.refresh()));
  const ifMatch = `"${first.get('network-server', 'server-0').revision}"`;
  const outcomes = await Promise.all(replicas.map((resources, index) => reasonOf(resources.merge('network-server', 'server-0', { authenticate: { bearer: `bearer-${index}` } }, { actor, ifMatch }))));
  t.strictSame(outcomes.sort(), ['resource_changed', 'resource_changed', 'saved']);
  const same = await Promise.all(replicas.map((resources) => reasonOf(resources.create('network-server', networkServer({ id: 'same' }), options))));
  t.strictSame(same.sort(), ['resource_exists', 'resource_exists', 'saved']);
  const { version } = await store.read();
  const last = await Promise.all(replicas.map((resources, index) => reasonOf(resources.merge('network-server', 'server-1', { authenticate: { bearer: `bearer-${index}` } }, options))));
  t.strictSame(last, ['saved', 'saved', 'saved'], 'without an ETag the last one wins');
  t.equal((await store.read()).version, version + 3);
});

void t.test('with two or more connections a flow is needed', async (t) => {
  const { resources } = await openApi(t);
  await resources.create('connection', connection(certificates, { id: 'main' }), options);
  const second = connection(certificates, { id: 'second' });
  t.equal(await reasonOf(resources.create('connection', second, options)), 'flow_required');
  t.equal(await reasonOf(resources.create('connection', second, { actor, dryRun: true })), 'flow_required', 'a dry run says so too');
  await resources.create('flow', flow(), options);
  await resources.create('connection', second, options);
  t.equal(await reasonOf(resources.remove('flow', 'all', options)), 'flow_required');
  await resources.create('flow', flow({ id: 'more', connections: ['second'] }), options);
  await resources.remove('flow', 'all', options);
  t.equal(await reasonOf(resources.remove('connection', 'second', options)), 'resource_in_use');
  await resources.remove('connection', 'main', options);
  await resources.remove('flow', 'more', options);
  t.strictSame(resources.list('flow', { filter: {}, page: { limit: 10 } }).entries, [], 'with one connection none is needed');
});

void t.test('what others use cannot be deleted, and they are named', async (t) => {
  const { resources } = await openApi(t);
  await resources.create('network-server', networkServer(), options);
  await resources.create('connection', connection(certificates, { id: 'main' }, { downlinkNetworkServer: 'factory' }), options);
  await resources.create('flow', flow({ networkServers: ['factory'] }), options);
  await resources.create('flow', flow({ id: 'second' }), options);
  await t.rejects(resources.remove('network-server', 'factory', options), { reason: 'resource_in_use', message: /^used by connection main, flow all$/ });
  await t.rejects(resources.remove('connection', 'main', options), { reason: 'resource_in_use', message: /^used by flow all, flow second$/ });
  await resources.merge('connection', 'main', { configuration: { downlinkNetworkServer: null } }, options);
  await resources.merge('flow', 'all', { networkServers: null }, options);
  await resources.remove('network-server', 'factory', options);
  t.throws(() => resources.get('network-server', 'factory'), { reason: 'unknown_resource', message: /does not exist/ });
});

void t.test('a backlog is parked or discarded by the word of whoever deletes', async (t) => {
  let waiting = 3;
  const { resources, version } = await openApi(t, { backlog: (id) => ({ messages: id === 'main' ? waiting : 0, bytes: 300 }) });
  const removals: (Removal | undefined)[] = [];
  resources.onChange((_effective, removal) => removals.push(removal));
  const create = (): Promise<unknown> => resources.create('connection', connection(certificates, { id: 'main' }), options);
  await create();
  const before = await version();
  await t.rejects(resources.remove('connection', 'main', options), { reason: 'backlog_present', message: /3 messages \(300 bytes\) wait/ });
  await resources.remove('connection', 'main', { actor, backlog: 'discard', dryRun: true });
  t.equal(await version(), before);
  await resources.remove('connection', 'main', { actor, backlog: 'discard' });
  await create();
  await resources.remove('connection', 'main', { actor, backlog: 'park' });
  await create();
  waiting = 0;
  await resources.remove('connection', 'main', options);
  t.strictSame(removals.filter((one) => one !== undefined), [{ connectionId: 'main', backlog: 'discard' }, { connectionId: 'main', backlog: 'park' }, { connectionId: 'main', backlog: 'park' }], 'parked where nobody said otherwise');
});

void t.test('resources of the file are shown, used and read-only', async (t) => {
  const declared = declaredIn({
    networkServers: [networkServer({ downlink: { url: 'http://127.0.0.1:1', apiToken: 'marker-token' } })],
    connections: [connection(certificates, { id: 'main' }, { secretAccessKey: 'marker-secret', accessKeyId: 'AKIA', region: 'eu-west-1' })],
    flows: [flow({ networkServers: ['factory'] })],
  });
  const { resources, version } = await openApi(t, { declared });
  t.match(resources.get('connection', 'main'), { origin: 'file', revision: 'file', createdAt: undefined, document: { configuration: { privateKey: '*****', secretAccessKey: '*****', accessKeyId: 'AKIA' } } });
  t.notMatch(JSON.stringify(resources.list('network-server', { filter: {}, page: { limit: 9 } })), /marker|bearer-of/);
  t.equal(resources.effective().connections.get('main')?.config.configuration.secretAccessKey?.reveal(), 'marker-secret');
  for (const [kind, id] of [['connection', 'main'], ['network-server', 'factory'], ['flow', 'all']] as const) {
    t.equal(await reasonOf(resources.replace(kind, id, {}, options)), 'resource_read_only');
    t.equal(await reasonOf(resources.merge(kind, id, {}, options)), 'resource_read_only');
    t.equal(await reasonOf(resources.remove(kind, id, options)), 'resource_read_only');
  }
  t.equal(await reasonOf(resources.create('network-server', networkServer({ id: 'FACTORY' }), options)), 'resource_exists');
  t.equal(await version(), 0);
  await resources.create('flow', flow({ id: 'mine', networkServers: ['factory'] }), options);
  await resources.create('connection', connection(certificates, { id: 'second' }), options);
  t.strictSame([...resources.effective().flows.keys()], ['all', 'mine'], 'both kinds of origin together');
});

/** Puts documents into a store behind the back of the resources, as an older or newer bridge could have left them. */
const writeStored = async (store: ResourceStore, documents: readonly Pick<StoredResource, 'kind' | 'id' | 'document'>[]): Promise<void> => {
  const { version } = await store.read();
  await store.write(documents.map((put) => ({ put })), version, { time: 0, who: 'test', role: 'admin', from: 'test', action: 'create', kind: 'connection', id: 'x', changed: [] });
};

const sealed = (kind: StoredResource['kind'], id: string, document: Document, box = testBox) => ({ kind, id, document: sealSecrets(box, { kind, id, node: kindRows[kind].node }, { ...(document as JsonObject), id }) });

void t.test('a stored resource that cannot be used breaks nothing and hides nothing', async (t) => {
  const { resources: store } = await openStore(t);
  const lost = createSecretBox({ key: Buffer.alloc(32, 99), previousKeys: [] });
  await writeStored(store, [
    sealed('connection', 'good', connection(certificates)),
    sealed('connection', 'expired', connection({ ...certificates, cert: certificates.expired })),
    sealed('connection', 'locked', connection(certificates), lost),
    sealed('connection', 'later', connection(certificates, {}, { keyOfALaterVersion: { $sealed: testBox.seal('marker', 'connection/later/configuration.keyOfALaterVersion') } })),
    sealed('flow', 'all', { connections: ['good', 'locked', 'gone'], networkServers: ['gone'] }),
    sealed('flow', 'some', { connections: ['good', 'locked', 'gone'] }),
  ]);
  const { resources } = await openApi(t, { store });
  const { connections, flows, failed } = resources.effective();
  t.strictSame([...connections.keys()].sort(), ['expired', 'good']);
  t.ok(connections.has('expired'), 'known, so that its messages wait');
  t.ok(connections.has('good'));
  t.strictSame(failed.map(({ id, reason }) => [id, reason]).sort(), [['later', 'invalid_resource'], ['locked', 'secrets_locked']]);
  t.strictSame([...flows.keys()], ['some'], 'a flow whose network servers are all gone must not take every message');
  t.strictSame(flows.get('some')?.config.connections, ['good', 'locked'], 'without what is gone');
  t.match(resources.get('connection', 'locked'), { problems: [{ path: 'configuration.privateKey', message: /is not configured/ }], document: { configuration: { privateKey: '*****' } } });
  t.match(resources.get('connection', 'later'), { problems: [{ path: 'configuration.keyOfALaterVersion', message: /unknown key/ }], document: { configuration: { keyOfALaterVersion: '*****' } } });
  t.match(resources.get('flow', 'all').problems, [{ path: 'connections[2]' }, { path: 'networkServers[0]' }]);
  t.equal(resources.list('connection', { filter: {}, page: { limit: 10 } }).entries.length, 4);

  t.match(await resources.merge('connection', 'expired', { active: false }, options), { view: { active: false } }, 'what expired meanwhile does not stand in the way');
  t.equal(await reasonOf(resources.merge('connection', 'expired', { configuration: { certificate: certificates.future } }, options)), 'invalid_resource', 'but no useless one takes its place');
  await t.rejects(resources.merge('connection', 'locked', { name: 'new' }, options), { reason: 'invalid_resource', errors: [{ path: 'configuration.privateKey', message: /cannot be kept/ }], message: /./ });
  await resources.merge('connection', 'locked', { configuration: { privateKey: certificates.key } }, options);
  t.ok(resources.effective().connections.has('locked'), 'with its secret sent again it runs');
  await resources.remove('connection', 'later', options);
});

void t.test('a stored resource whose id the file took waits for the day that it is free again', async (t) => {
  const { resources: store } = await openStore(t);
  await writeStored(store, [sealed('network-server', 'Factory', networkServer())]);
  const { resources } = await openApi(t, { store, declared: declaredIn({ networkServers: [networkServer()] }) });
  t.strictSame([...resources.effective().networkServers.keys()], ['factory']);
  t.match(resources.effective().failed, [{ kind: 'network-server', id: 'Factory', reason: 'resource_exists' }]);
  t.equal(resources.list('network-server', { filter: { origin: 'api' }, page: { limit: 9 } }).entries.length, 1);
  const free = make(store);
  t.teardown(() => free.close());
  await free.refresh();
  t.strictSame([...free.effective().networkServers.keys()], ['Factory']);
});

void t.test('rekey seals everything with the new key, and nothing else changes', async (t) => {
  const { resources: store } = await openStore(t);
  const { resources: first } = await openApi(t, { store });
  await first.create('connection', connection(certificates, { id: 'main' }), options);
  await first.create('network-server', networkServer(), options);
  await first.create('flow', flow(), options);
  const revision = first.effective().connections.get('main')?.revision;
  const next = Buffer.alloc(32, 8);
  const { resources: second, audits } = await openApi(t, { store, box: createSecretBox({ key: next, previousKeys: [testKey] }) });
  t.equal(await second.rekey(actor), 2, 'the flow has no secret');
  t.match((await audits())[0], { action: 'rekey', kind: 'secrets', who: 'ann', changed: [] });
  t.equal(second.effective().connections.get('main')?.revision, revision, 'no session is touched');
  const { version } = await store.read();
  t.equal(await second.rekey(actor), 0);
  t.equal((await store.read()).version, version, 'nothing is written for nothing');
  const { resources: third } = await openApi(t, { store, box: createSecretBox({ key: next, previousKeys: [] }) });
  t.equal(third.effective().connections.get('main')?.config.configuration.privateKey?.reveal(), certificates.key, 'the old key is not needed any more');
  const { resources: fourth } = await openApi(t, { store, box: createSecretBox({ key: Buffer.alloc(32, 1), previousKeys: [] }) });
  t.equal(await reasonOf(fourth.rekey(actor)), 'secrets_locked');
  t.equal((await store.read()).version, version);
});

void t.test('lists are filtered and paged', async (t) => {
  const { resources } = await openApi(t);
  await resources.create('connection', connection(certificates, { id: 'Alpha', name: 'Paris' }), options);
  await resources.create('flow', flow({ connections: ['Alpha'] }), options);
  for (const id of ['beta', 'Gamma', 'delta', 'epsilon']) await resources.create('connection', connection(certificates, { id, active: id !== 'beta', connectorId: id === 'delta' ? 'actility-aws-iot' : 'aws-iot' }), options);
  const ids = (filter: object, page: { limit: number; after?: string } = { limit: 50 }): string[] => resources.list('connection', { filter, page }).entries.map(({ id }) => id);
  t.strictSame(ids({}), ['Alpha', 'beta', 'delta', 'epsilon', 'Gamma'], 'in one order, whatever the case');
  t.strictSame(ids({ search: 'A' }), ['Alpha', 'beta', 'delta', 'Gamma']);
  t.strictSame(ids({ search: 'paris' }), ['Alpha'], 'by name');
  t.strictSame(ids({ active: false }), ['beta']);
  t.strictSame(ids({ active: true, search: 'eta' }), []);
  t.strictSame(ids({ connectorId: 'actility-aws-iot' }), ['delta']);
  t.strictSame(ids({ origin: 'file' }), []);
  const first = resources.list('connection', { filter: {}, page: { limit: 2 } });
  t.strictSame(first.entries.map(({ id }) => id), ['Alpha', 'beta']);
  await resources.remove('connection', 'beta', options);
  const second = resources.list('connection', { filter: {}, page: { limit: 2, after: first.next ?? '' } });
  t.strictSame(second.entries.map(({ id }) => id), ['delta', 'epsilon'], 'also when the last one of the page before is gone');
  const third = resources.list('connection', { filter: {}, page: { limit: 2, after: second.next ?? '' } });
  t.strictSame([third.entries.map(({ id }) => id), third.next], [['Gamma'], undefined]);
  t.equal(resources.list('connection', { filter: {}, page: { limit: 4 } }).next, undefined, 'a full last page has no next one');
});

void t.test('a store that cannot be read leaves what is known in force', async (t) => {
  const { resources: store } = await openStore(t);
  let down = false;
  let changed = (): void => undefined;
  const broken: ResourceStore = {
    ...store,
    read: () => (down ? Promise.reject(new BridgeError('redis_unavailable')) : store.read()),
    onChange(listener) {
      changed = listener;
      return store.onChange(listener);
    },
  };
  const { resources } = await openApi(t, { store: broken });
  await resources.create('network-server', networkServer(), options);
  down = true;
  changed();
  t.equal(await reasonOf(resources.refresh()), 'redis_unavailable');
  t.ok(resources.effective().networkServers.has('factory'));
  t.match(resources.get('network-server', 'factory'), { id: 'factory' });
  t.equal(await reasonOf(resources.create('network-server', networkServer({ id: 'other' }), options)), 'redis_unavailable');
  down = false;
  await resources.create('network-server', networkServer({ id: 'other' }), options);
});
