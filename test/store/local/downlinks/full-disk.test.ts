import t from 'tap';
import { BridgeError, messageOf } from '../../../../src/errors.js';
import type { AddResult } from '../../../../src/downlink/ports.js';
import { createLogger } from '../../../../src/log.js';
import { deadlineOf, addAll, nameOf, newDevice, newDownlink, newSubmitted, recordWork } from '../../../contracts/downlink-store-samples.js';
import { testDir } from '../../../support/test-dir.js';
import { until } from '../../../support/until.js';
import { openDownlinks } from './open-downlinks.js';

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'done', (error: unknown) => (error instanceof BridgeError ? error.reason : messageOf(error)));

void t.test('a full disk refuses and keeps nothing of the refused; what is there leaves, and without a restart all is well again', async (t) => {
  const dataDir = testDir(t);
  const logged: string[] = [];
  const logger = createLogger('info', { write: (line) => { logged.push((JSON.parse(line) as { msg: string }).msg); } });
  let free = 1e9;
  const options = { logger, freeBytes: async () => free, intervals: { retry: 10, idle: 50, room: 0 } };
  const store = await openDownlinks(t, dataDir, options);
  const add = (name: string, flush = false): Promise<AddResult> =>
    store.queue.add(newDownlink(name, 'd', { flush }), { delivery: 'submit', windowMs: 60_000, capacity: 1_000 });
  const collect = (requestId: string, deviceId = 's') => store.queue.collect({ deviceId, requestId, again: false, rememberMs: 60_000 });

  await addAll(store, [newDownlink('first', 's'), newDownlink('second', 's')], 'mailbox');
  await collect('r1');
  for (const name of ['a', 'b', 'c']) await add(name);
  free = 1_000;
  t.same(await Promise.all([reasonOf(add('x')), reasonOf(add('x')), reasonOf(add('f', true))]), Array<string>(3).fill('store_unavailable'), 'a duplicate shares the fate of the first');
  t.match(store.problem(), { reason: 'store_unavailable', detail: /1000 bytes free/, since: Number });
  t.equal(await reasonOf(add('x')), 'store_unavailable');
  t.equal((await add('a')).state, 'duplicate', 'what is stored may come again');
  t.equal(await reasonOf(collect('r2')), 'store_unavailable');
  t.equal(nameOf((await collect('r1')).downlink), 'first', 'a request that came before is answered');
  t.strictSame(await collect('r1', 'empty'), { notices: [] }, 'an empty mailbox is answered');
  t.equal(await reasonOf(store.submitted.put(newSubmitted(newDownlink('p', 'd')))), 'store_unavailable');
  store.devices.heard(newDevice('d'));
  t.same(await store.devices.find('d'), newDevice('d'), 'known, though it cannot be written yet');
  t.equal((await store.queue.totals('main')).waiting, 4, 'nothing was lost, nothing refused was kept');

  const work = recordWork();
  store.queue.start(work);
  await until('what is there leaves', async () => (await store.queue.totals('main')).waiting === 1);
  t.same(work.names(), ['a', 'b', 'c']);
  t.not(store.problem(), undefined);

  free = 1e9;
  await until('the store heals', () => store.problem() === undefined);
  t.equal((await add('x')).state, 'stored');
  t.equal(nameOf((await collect('r2')).downlink), 'second');
  await until('it left', async () => (await store.queue.totals('main')).waiting === 0);
  t.same(logged, ['store cannot be written', 'store can be written again']);
  await store.close(deadlineOf(5_000));
  const again = await openDownlinks(t, dataDir);
  t.equal((await again.queue.totals('main')).waiting, 0);
  t.same(await again.devices.find('d'), newDevice('d'), 'written when there was room');
});
