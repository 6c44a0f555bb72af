import t, { type Test } from 'tap';
import { createMailbox, type Mailbox, type MailboxOptions } from '../../src/downlink/collect-downlink.js';
import type { Collected } from '../../src/downlink/ports.js';
import { BridgeError } from '../../src/errors.js';
import type { Downlink } from '../../src/messages/downlink.js';
import { newDownlink } from '../contracts/downlink-store-samples.js';
import { openDownlinkRoom, type DownlinkRoom } from './support/downlink-room.js';
import { until } from '../support/until.js';
import { createTestTarget } from './support/test-target.js';

const device = '2c30bb';
const networkServer = { id: 'sigfox', kind: 'sigfox' } as const;

interface Scene extends DownlinkRoom {
  readonly mailbox: Mailbox;
  add(name: string, payload: string, changes?: Partial<Downlink>): Promise<void>;
  collect(requestId: string, again?: boolean): Promise<string | undefined>;
  answers(result: string): Promise<number | undefined>;
}

const setScene = async (t: Test, changes: (room: DownlinkRoom) => Partial<MailboxOptions> = () => ({})): Promise<Scene> => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('sigfox', 'sigfox')] });
  const { store, outlet, lives, metrics, logger } = room;
  const mailbox = createMailbox({ queue: store.queue, submitted: store.submitted, statuses: outlet, lives, metrics, logger, ...changes(room) });
  return {
    ...room,
    mailbox,
    async add(name, payload, more = {}) {
      await store.queue.add(newDownlink(name, device, { networkServer, payload, ...more }), { delivery: 'mailbox', windowMs: 60_000, capacity: 10 });
    },
    collect: (requestId, again = false) => mailbox.collect({ networkServer, deviceId: device, requestId, again }),
    answers: (result) => room.metric('mailbox_answers_total', { network_server: 'sigfox', result }),
  };
};

void t.test('an empty mailbox gives nothing', async (t) => {
  const scene = await setScene(t);
  t.equal(await scene.collect('r1'), undefined);
  t.equal(await scene.answers('none'), 1);
});

void t.test('the oldest goes out, is reported as submitted, and can be acknowledged', async (t) => {
  const scene = await setScene(t);
  await scene.add('a', '0102030405060708');
  await scene.add('b', '0102030405060709');
  t.equal(await scene.collect('r1'), '0102030405060708');
  t.match(scene.outlet.find('a', 'submitted'), { attempt: 1 });
  t.same(scene.lives.steps('a'), ['submitted 1']);
  t.same(scene.outlet.states('b'), []);
  t.match(await scene.store.submitted.of(device), [{ downlink: { correlationId: 'a' }, state: 'submitted' }]);
  t.same(await scene.store.queue.notices(0), [], 'reported and forgotten');
  t.equal(await scene.collect('r2'), '0102030405060709');
  t.equal(await scene.answers('downlink'), 2);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'submitted' }), 2);
});

void t.test('the same request gets the same answer, not the next one', async (t) => {
  const scene = await setScene(t);
  await scene.add('a', '0102030405060708');
  t.equal(await scene.collect('r1'), '0102030405060708');
  await scene.add('b', '0102030405060709');
  t.equal(await scene.collect('r1', true), '0102030405060708');
  t.equal(await scene.collect('unknown', true), undefined, 'nothing new for what came before');
  t.equal(await scene.answers('repeated'), 1);
  t.same(scene.outlet.states('a'), ['submitted']);
});

void t.test('a full outbox does not keep the answer; the state is reported later', async (t) => {
  const scene = await setScene(t);
  scene.outlet.full = true;
  await scene.add('a', '0102030405060708');
  t.equal(await scene.collect('r1'), '0102030405060708');
  t.match(await scene.store.queue.notices(0), [{ state: 'submitted', downlink: { correlationId: 'a' } }]);
});

void t.test('an outbox that hangs does not keep the answer either', async (t) => {
  const scene = await setScene(t, () => ({ statuses: { publish: () => new Promise(() => undefined) } }));
  await scene.add('a', '0102030405060708');
  t.equal(await scene.collect('r1'), '0102030405060708');
  t.equal((await scene.store.queue.notices(0)).length, 1);
});

void t.test('a mailbox that cannot be read gives nothing, and says so', async (t) => {
  const scene = await setScene(t, ({ store }) => ({ queue: { ...store.queue, collect: () => Promise.reject(new BridgeError('store_unavailable')) } }));
  t.equal(await scene.collect('r1'), undefined);
  t.equal(await scene.answers('unavailable'), 1);
  t.ok(scene.lines.some((line) => line.includes('cannot be read')));
});

void t.test('a mailbox that throws at once does no harm', async (t) => {
  const broken = (): Promise<Collected> => {
    throw new Error('broken');
  };
  const scene = await setScene(t, ({ store }) => ({ queue: { ...store.queue, collect: broken } }));
  t.equal(await scene.collect('r1'), undefined);
});

void t.test('what is read too late for the answer has failed, and is told so', async (t) => {
  let read: () => void = () => undefined;
  const scene = await setScene(t, ({ store }) => ({
    queue: {
      ...store.queue,
      collect: async (request) => {
        await new Promise<void>((resolve) => (read = resolve));
        return store.queue.collect(request);
      },
    },
  }));
  await scene.add('a', '0102030405060708');
  t.equal(await scene.collect('r1'), undefined);
  t.equal(await scene.answers('unavailable'), 1);
  read();
  await until('it is told', () => scene.outlet.find('a', 'failed') !== undefined);
  t.match(scene.outlet.find('a', 'failed'), { cause: { code: 'store_unavailable', text: /too late/ } });
  t.same(scene.outlet.states('a'), ['failed']);
  await until('it is forgotten', async () => (await scene.store.queue.notices(0)).length === 0 && (await scene.store.submitted.of(device)).length === 0);
});
