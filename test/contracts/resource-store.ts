import type { Test } from 'tap';
import type { AuditEntry, EventLog, JsonObject, ResourceChange, ResourceStore, StoredResource } from '../../src/api/ports.js';
import { BridgeError } from '../../src/errors.js';
import { until } from '../support/until.js';

/** What `openLocalResources` and `openRedisResources` give. */
export interface ResourcesUnderTest {
  readonly resources: ResourceStore;
  readonly events: EventLog;
}

/** One durable place; `open` may be called again after both were closed, and finds what was there. */
export interface ResourcesPlace {
  /** `now` is the clock of `createdAt` and `updatedAt`; the time of day when absent. */
  open(settings?: { readonly now?: () => number }): Promise<ResourcesUnderTest>;
}

/** A new, empty place for each test, cleaned up by `t.teardown`. */
export type NewResourcesPlace = (t: Test) => Promise<ResourcesPlace>;

/** Opens a place; both are closed with the test at the latest, so closing twice must do no harm. */
export const openedResources = async (t: Test, place: ResourcesPlace, now?: () => number): Promise<ResourcesUnderTest> => {
  const opened = await place.open(now === undefined ? {} : { now });
  t.teardown(() => closeResources(opened));
  return opened;
};

export const closeResources = async ({ resources, events }: ResourcesUnderTest): Promise<void> => {
  await Promise.all([resources.close(), events.close()]);
};

export const newAudit = (id: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  time: 1_000, who: 'ops «é»', role: 'admin', from: '192.0.2.7', action: 'create', kind: 'connection', id, changed: ['configuration.region', 'name'], ...more,
});

export const put = (id: string, document: JsonObject = { name: id }, kind: StoredResource['kind'] = 'connection'): ResourceChange => ({ put: { kind, id, document } });
const remove = (id: string, kind: StoredResource['kind'] = 'connection'): ResourceChange => ({ remove: { kind, id } });

const inOrder = (resources: readonly StoredResource[]): StoredResource[] => [...resources].sort((one, other) => `${one.kind}/${one.id}`.localeCompare(`${other.kind}/${other.id}`));
const reasonOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'written', (error: unknown) => (error instanceof BridgeError ? error.reason : String(error)));

const rich: JsonObject = { name: 'Zürich «é» 温度', list: [1, -0.5, true, null, { deep: [] }], secret: { $sealed: 'AbC+/=' }, pem: 'x'.repeat(20_000), '': '', configuration: { region: 'eu-west-1' } };

const writing = async (t: Test, newPlace: NewResourcesPlace): Promise<void> => {
  await t.test('nothing was ever written: version 0, no resources, no audit', async (t) => {
    const { resources } = await openedResources(t, await newPlace(t));
    t.strictSame(await resources.read(), { version: 0, resources: [] });
    t.strictSame(await resources.audits({ limit: 10 }), { entries: [] });
  });
  await t.test('resources come back as they were written, with revision and times, also after a restart', async (t) => {
    let now = 5_000;
    const place = await newPlace(t);
    const first = await openedResources(t, place, () => now);
    const one = await first.resources.write([put('a', rich), put('a', { kind: 'another' }, 'flow')], 0, newAudit('a'));
    const a: StoredResource = { kind: 'connection', id: 'a', revision: 1, document: rich, createdAt: 5_000, updatedAt: 5_000 };
    const flow: StoredResource = { kind: 'flow', id: 'a', revision: 1, document: { kind: 'another' }, createdAt: 5_000, updatedAt: 5_000 };
    t.equal(one.version, 1);
    t.strictSame(inOrder(one.resources), [a, flow]);
    now = 6_000;
    const two = await first.resources.write([put('a', { name: 'new' }), put('n', {}, 'network-server')], 1, newAudit('a', { action: 'replace' }));
    const changed: StoredResource = { ...a, revision: 2, document: { name: 'new' }, updatedAt: 6_000 };
    const added: StoredResource = { kind: 'network-server', id: 'n', revision: 2, document: {}, createdAt: 6_000, updatedAt: 6_000 };
    t.strictSame(inOrder(two.resources), [changed, flow, added]);
    t.strictSame(inOrder((await first.resources.read()).resources), [changed, flow, added]);
    await closeResources(first);
    const second = await openedResources(t, place, () => now);
    const found = await second.resources.read();
    t.equal(found.version, 2);
    t.strictSame(inOrder(found.resources), [changed, flow, added]);
    const three = await second.resources.write([remove('a'), remove('never there')], 2, newAudit('a', { action: 'delete' }));
    t.equal(three.version, 3);
    t.strictSame(inOrder(three.resources), [flow, added], 'only the connection of that id');
    now = 7_000;
    const four = await second.resources.write([put('a')], 3, newAudit('a'));
    t.match(four.resources.find(({ kind }) => kind === 'connection'), { revision: 4, createdAt: 7_000, updatedAt: 7_000 }, 'made anew');
  });
  await t.test('what is kept does not follow later changes of the document that was given', async (t) => {
    const { resources } = await openedResources(t, await newPlace(t));
    const document = { name: 'before', inner: { list: [1] } };
    await resources.write([put('a', document)], 0, newAudit('a'));
    document.inner.list.push(2);
    document.name = 'after';
    t.strictSame((await resources.read()).resources[0]?.document, { name: 'before', inner: { list: [1] } });
  });
  await t.test('a write at an old version changes nothing, not even the audit', async (t) => {
    const { resources } = await openedResources(t, await newPlace(t));
    await resources.write([put('a')], 0, newAudit('a'));
    for (const version of [0, 2, -1]) t.equal(await reasonOf(resources.write([put('b'), remove('a')], version, newAudit('b'))), 'resource_changed');
    const { version, resources: left } = await resources.read();
    t.equal(version, 1);
    t.same(left.map(({ id }) => id), ['a']);
    t.same((await resources.audits({ limit: 10 })).entries.map(({ id }) => id), ['a']);
  });
  await t.test('of many that write at one version one wins', async (t) => {
    const { resources } = await openedResources(t, await newPlace(t));
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => reasonOf(resources.write([put(`c${index}`)], 0, newAudit(`c${index}`)))));
    t.same([...outcomes].sort(), [...Array<string>(19).fill('resource_changed'), 'written']);
    const { version, resources: left } = await resources.read();
    t.equal(version, 1);
    t.equal(left.length, 1);
    t.same((await resources.audits({ limit: 10 })).entries.map(({ id }) => id), left.map(({ id }) => id));
  });
  await t.test('hundreds of resources in one write', async (t) => {
    const place = await newPlace(t);
    const first = await openedResources(t, place);
    await first.resources.write(Array.from({ length: 400 }, (_, index) => put(`c${index}`, rich)), 0, newAudit('all'));
    await closeResources(first);
    const { resources } = await (await openedResources(t, place)).resources.read();
    t.equal(new Set(resources.map(({ id }) => id)).size, 400);
  });
  await t.test('a listener is called after a change until it has enough', async (t) => {
    const { resources } = await openedResources(t, await newPlace(t));
    let calls = 0;
    const end = resources.onChange(() => { calls += 1; });
    await resources.write([put('a')], 0, newAudit('a'));
    await until('it is called', () => calls > 0);
    end();
    let others = 0;
    resources.onChange(() => { others += 1; });
    const before = calls;
    await resources.write([put('b')], 1, newAudit('b'));
    await until('another is called', () => others > 0);
    t.equal(calls, before);
  });
};

const auditing = async (t: Test, newPlace: NewResourcesPlace): Promise<void> => {
  await t.test('the audit is told newest first, page by page, also after a restart', async (t) => {
    const place = await newPlace(t);
    const first = await openedResources(t, place);
    await first.resources.write([put('a')], 0, newAudit('a'));
    const other = newAudit('0018b20000000001', { kind: 'device', action: 'clear', role: 'operate', changed: [], time: 2_000 });
    await first.resources.audit(other);
    for (let index = 0; index < 10; index += 1) await first.resources.audit(newAudit(`n${index}`, { time: 3_000 + index }));
    t.equal((await first.resources.read()).version, 1, 'an audit entry is no change of the resources');
    await closeResources(first);
    const { resources } = await openedResources(t, place);
    const page = await resources.audits({ limit: 5 });
    t.same(page.entries.map(({ id }) => id), ['n9', 'n8', 'n7', 'n6', 'n5']);
    const rest = await resources.audits({ limit: 100, after: page.next ?? '' });
    t.same(rest.entries.map(({ id }) => id), ['n4', 'n3', 'n2', 'n1', 'n0', other.id, 'a']);
    t.equal(rest.next, undefined);
    t.strictSame(rest.entries[5], other);
    t.strictSame(rest.entries[6], newAudit('a'));
    await resources.audit(newAudit('while somebody pages'));
    t.strictSame((await resources.audits({ limit: 100, after: page.next ?? '' })).entries, rest.entries, 'new entries move no page');
    t.equal((await resources.audits({ limit: 13 })).next, undefined, 'a full last page is the last');
  });
  await t.test('at least the last 10,000 entries are kept, and not for ever all', async (t) => {
    const { resources } = await openedResources(t, await newPlace(t));
    for (let batch = 0; batch < 13; batch += 1) {
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => resources.audit(newAudit(`n${batch * 1_000 + index}`, { changed: [] }))));
    }
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await resources.audits({ limit: 1_000, ...(after === undefined ? {} : { after }) });
      ids.push(...page.entries.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    t.ok(ids.length >= 10_000 && ids.length <= 12_500, `${ids.length} are kept`);
    t.equal(new Set(ids).size, ids.length);
    t.same(new Set(ids.slice(0, 10_000)), new Set(Array.from({ length: 10_000 }, (_, index) => `n${3_000 + index}`)));
  });
};

/** What every adapter of `ResourceStore` must do. The opener gives a place for both this port and `EventLog` (see `event-log.ts`). */
export const resourceStoreContract = async (t: Test, newPlace: NewResourcesPlace): Promise<void> => {
  await writing(t, newPlace);
  await auditing(t, newPlace);
};
