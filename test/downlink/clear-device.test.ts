import t from 'tap';
import { createClearDevice } from '../../src/downlink/clear-device.js';
import { BridgeError } from '../../src/errors.js';
import { rejectsWith } from '../contracts/downlink-store-opened.js';
import { newDownlink } from '../contracts/downlink-store-samples.js';
import { openDownlinkRoom } from './support/downlink-room.js';
import { createTestTarget } from './support/test-target.js';

const device = '24e124c3b1a70042';

void t.test('what waits for a device is deleted and reported as failed', async (t) => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('factory')] });
  const clear = createClearDevice({ ...room.store, ...room, statuses: room.outlet });
  t.equal(await clear(device), 0);
  for (const name of ['a', 'b']) await room.store.queue.add(newDownlink(name, device), { delivery: 'submit', windowMs: 60_000, capacity: 10 });
  await room.store.queue.add(newDownlink('m', device), { delivery: 'mailbox', windowMs: 60_000, capacity: 10 });
  await room.store.queue.add(newDownlink('other', 'e0'), { delivery: 'submit', windowMs: 60_000, capacity: 10 });
  t.equal(await clear(device), 3);
  for (const name of ['a', 'b', 'm']) {
    t.match(room.outlet.find(name, 'failed'), { cause: { code: 'downlink_deleted', text: 'The downlink was deleted' } });
    t.same(room.lives.steps(name), ['failed 0']);
  }
  t.same(room.outlet.states('other'), []);
  t.same(await room.store.queue.notices(0), [], 'reported and forgotten');
  t.equal(await room.metric('downlinks_total', { connection: 'main', state: 'failed' }), 3);
});

void t.test('what cannot be reported now stays for the sweep; a store that fails is told', async (t) => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('factory')] });
  await room.store.queue.add(newDownlink('a', device), { delivery: 'submit', windowMs: 60_000, capacity: 10 });
  room.outlet.full = true;
  t.equal(await createClearDevice({ ...room.store, ...room, statuses: room.outlet })(device), 1);
  t.match(await room.store.queue.notices(0), [{ state: 'failed', downlink: { correlationId: 'a' } }]);
  const failing = { clear: () => Promise.reject(new BridgeError('store_unavailable')), forget: () => Promise.resolve() };
  await rejectsWith(t, createClearDevice({ ...room.store, ...room, queue: failing, statuses: room.outlet })(device), 'store_unavailable');
});
