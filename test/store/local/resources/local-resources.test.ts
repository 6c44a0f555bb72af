import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BridgeError, messageOf } from '../../../../src/errors.js';
import { createLogger } from '../../../../src/log.js';
import { openLocalResources } from '../../../../src/store/local/resources/local-resources.js';
import { eventLogContract } from '../../../contracts/event-log.js';
import { closeResources, newAudit, put, resourceStoreContract, type NewResourcesPlace } from '../../../contracts/resource-store.js';
import { testDir } from '../../../support/test-dir.js';
import { until } from '../../../support/until.js';
import { after, runAndKill } from '../run-and-kill.js';
import { openResources } from './open-resources.js';

const newPlace: NewResourcesPlace = async (t) => {
  const dataDir = testDir(t);
  return { open: (settings) => openLocalResources({ dataDir, logger: createLogger('silent'), ...settings }) };
};

const reasonOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'done', (error: unknown) => (error instanceof BridgeError ? error.reason : messageOf(error)));

void t.test('the contract of the resource store', (t) => resourceStoreContract(t, newPlace));
void t.test('the contract of the event log', (t) => eventLogContract(t, newPlace));

void t.test('the folder and its file are for the bridge alone', async (t) => {
  const dataDir = `${testDir(t)}/not/yet`;
  await closeResources(await openResources(t, dataDir));
  t.equal(statSync(`${dataDir}/resources`).mode & 0o777, 0o700);
  t.equal(statSync(`${dataDir}/resources/data.mdb`).mode & 0o777, 0o600);
});

void t.test('a cursor that no page gave is refused', async (t) => {
  const { resources, events } = await openResources(t, testDir(t));
  await resources.audit(newAudit('a'));
  for (const cursor of ['', 'x', '-1', '1.5', '9'.repeat(40)]) {
    t.equal(await reasonOf(resources.audits({ after: cursor, limit: 1 })), 'invalid_field', cursor);
    t.equal(await reasonOf(events.events(undefined, { after: cursor, limit: 1 })), 'invalid_field', cursor);
  }
  t.strictSame(await resources.audits({ after: '0', limit: 1 }), { entries: [] });
  t.strictSame(await resources.audits({ limit: 0 }), { entries: [] });
});

void t.test('after close nothing is written', async (t) => {
  const opened = await openResources(t, testDir(t));
  await closeResources(opened);
  t.equal(await reasonOf(opened.resources.write([put('a')], 0, newAudit('a'))), 'stopping');
  t.equal(await reasonOf(opened.resources.audit(newAudit('a'))), 'stopping');
  t.equal(await reasonOf(opened.resources.audits({ limit: 1 })), 'store_unavailable');
  t.equal(await reasonOf(opened.events.events(undefined, { limit: 1 })), 'store_unavailable');
});

void t.test('on a full disk a write changes nothing; what could not be noted is noted when there is room', async (t) => {
  let free = 1e9;
  const dataDir = testDir(t);
  const opened = await openResources(t, dataDir, { freeBytes: async () => free, intervals: { retry: 10, events: 5, room: 0 } });
  const { resources, events } = opened;
  await resources.write([put('a')], 0, newAudit('a'));
  free = 1_000;
  t.equal(await reasonOf(resources.write([put('b')], 1, newAudit('b'))), 'store_unavailable');
  t.equal(await reasonOf(resources.audit(newAudit('c'))), 'store_unavailable');
  for (let index = 0; index < 1_000; index += 1) events.note({ subject: { kind: 'connection', id: 'a' }, time: index, level: 'info', text: `n${index}` });
  t.match(await resources.read(), { version: 1, resources: [{ id: 'a' }] });
  free = 1e9;
  await until('the store is writable again', async () => (await reasonOf(resources.write([put('b')], 1, newAudit('b')))) === 'done');
  await until('the last events are written', async () => (await events.events(undefined, { limit: 1 })).entries[0]?.text === 'n999');
  t.same((await resources.audits({ limit: 10 })).entries.map(({ id }) => id), ['b', 'a']);
});

void t.test('what was written before kill -9 is there afterwards, with its audit', async (t) => {
  const program = fileURLToPath(new URL('./write-forever.js', import.meta.url));
  for (const lines of [20, 300]) {
    const dataDir = testDir(t);
    const said = await runAndKill(program, dataDir, lines);
    const last = Number(after(said, '+').at(-1));
    const { resources } = await openResources(t, dataDir);
    const { version, resources: kept } = await resources.read();
    t.ok(version >= last && version <= last + 1, `version ${version}, ${last} was told`);
    t.strictSame(kept.map(({ document }) => document), [{ version }, { version }], 'both changes of a write, or none');
    const audits = await resources.audits({ limit: 1 });
    t.equal(audits.entries[0]?.id, `c${version}`, 'the audit is that of the last write');
  }
});
