import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { BridgeError } from '../../src/errors.js';
import { createBacklog, type Backlog } from '../../src/uplink/backlog.js';
import { createLanes, type LaneLimits, type Lanes } from '../../src/uplink/lanes.js';
import type { OutboxRecord } from '../../src/uplink/ports.js';
import { recordOf } from '../support/records.js';
import { until } from '../support/until.js';

interface Scene {
  readonly lanes: Lanes;
  readonly backlog: Backlog;
  /** Answers the read under way. */
  readonly answer: (records: readonly OutboxRecord[] | BridgeError) => Promise<void>;
  /** Resolves with the next request for a turn. */
  readonly turns: EventEmitter;
  readonly reads: readonly number[];
}

/** A backlog over an outbox whose answers come when the test says so. */
const newScene = (t: Test, limits?: LaneLimits): Scene => {
  const lanes = createLanes(limits);
  const turns = new EventEmitter();
  const reads: number[] = [];
  let settle: ((records: readonly OutboxRecord[] | BridgeError) => void) | undefined;
  const answered = (): Promise<OutboxRecord[]> =>
    new Promise((resolve, reject) => {
      settle = (records) => (records instanceof BridgeError ? reject(records) : resolve([...records]));
    });
  const outbox = {
    read: (_id: string, afterSeq: number) => {
      reads.push(afterSeq);
      return answered();
    },
    readSome: () => answered(),
  };
  const backlog = createBacklog({ connectionId: 'main', outbox, lanes, schedule: () => void turns.emit('turn'), logger: pino({ level: 'silent' }) });
  t.teardown(() => backlog.stop());
  const answer = async (records: readonly OutboxRecord[] | BridgeError): Promise<void> => {
    settle?.(records);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lanes, backlog, answer, turns, reads };
};

const takeAll = (lanes: Lanes): number[] => {
  const seqs: number[] = [];
  for (let record = lanes.peek(); record !== undefined; record = lanes.peek()) {
    lanes.take();
    lanes.done(record);
    seqs.push(record.seq);
  }
  return seqs;
};

void t.test('once all is read, what is appended needs no read', async (t) => {
  const { lanes, backlog, answer, reads } = newScene(t);
  backlog.top();
  await answer([recordOf(1, 'a'), recordOf(2, 'b')]);
  t.equal(backlog.whole, false);
  backlog.top();
  await answer([]);
  t.equal(backlog.whole, true);
  backlog.appended([recordOf(3, 'a')]);
  backlog.top();
  t.same(reads, [0, 2]);
  t.same(takeAll(lanes), [1, 2, 3]);
});

void t.test('what is appended while the tail is read is neither lost nor taken twice', async (t) => {
  const { lanes, backlog, answer, reads } = newScene(t);
  backlog.top();
  backlog.appended([recordOf(1, 'a'), recordOf(2, 'a')]);
  await answer([]);
  t.equal(backlog.whole, false, 'the read may have begun before');
  backlog.top();
  await answer([recordOf(1, 'a'), recordOf(2, 'a')]);
  backlog.top();
  await answer([]);
  t.equal(backlog.whole, true);
  t.same(reads, [0, 0, 2]);
  t.same(takeAll(lanes), [1, 2]);
});

void t.test('messages of others are read before what was appended behind them', async (t) => {
  const { lanes, backlog, answer } = newScene(t);
  backlog.top();
  await answer([]);
  backlog.more();
  backlog.appended([recordOf(8, 'a')]);
  t.same(takeAll(lanes), [], 'position 7 may be before it');
  backlog.top();
  await answer([recordOf(7, 'a'), recordOf(8, 'a')]);
  t.same(takeAll(lanes), [7, 8]);
});

void t.test('an answer that comes after a restart is dropped', async (t) => {
  const { lanes, backlog, answer, reads } = newScene(t);
  backlog.top();
  backlog.restart(50);
  await answer([recordOf(1, 'a')]);
  t.same(takeAll(lanes), []);
  backlog.top();
  t.same(reads, [0, 50]);
  await answer([recordOf(51, 'a')]);
  t.same(takeAll(lanes), [51]);
});

void t.test('an outbox that cannot be read is asked again after a pause', async (t) => {
  const { backlog, answer, turns, reads } = newScene(t);
  backlog.top();
  const asked = once(turns, 'turn', { signal: AbortSignal.timeout(5_000) });
  await answer(new BridgeError('store_unavailable'));
  backlog.top();
  t.same(reads, [0], 'not before');
  await asked;
  backlog.top();
  t.same(reads, [0, 0]);
  await answer([]);
  t.equal(backlog.whole, true);
});

/** Takes what is next; it is out until it is done with. */
const takeNext = (lanes: Lanes): number | undefined => {
  const record = lanes.peek();
  if (record !== undefined) lanes.take();
  return record?.seq;
};

/** A backlog of device a, more than the lanes have room for. Its first message is out. */
const newBacklog = async (t: Test): Promise<Scene> => {
  const scene = newScene(t, { records: 10, bytes: 1e6, recordsPerLane: 10, noted: 10 });
  scene.backlog.top();
  await scene.answer([]);
  scene.backlog.appended(Array.from({ length: 12 }, (_, index) => recordOf(index + 1, 'a')));
  takeNext(scene.lanes);
  return scene;
};

void t.test('a device without a backlog is not held up by that of others, and nothing is taken twice', async (t) => {
  const { lanes, backlog, answer, reads } = await newBacklog(t);
  lanes.done(recordOf(1, 'a'));
  lanes.done(recordOf(takeNext(lanes) ?? 0, 'a'));
  backlog.appended([recordOf(13, 'live'), recordOf(14, 'a')]);
  t.equal(backlog.whole, false);
  takeNext(lanes);
  t.equal(takeNext(lanes), 13, 'before those that are not read yet');
  for (const [seq, device] of [[3, 'a'], [13, 'live']] as const) lanes.done(recordOf(seq, device));
  t.same(takeAll(lanes), [4, 5, 6, 7, 8, 9, 10]);
  backlog.top();
  t.same(reads, [0, 10]);
  await answer([recordOf(11, 'a'), recordOf(12, 'a'), recordOf(13, 'live'), recordOf(14, 'a')]);
  t.same(takeAll(lanes), [11, 12, 14]);
  backlog.top();
  await answer([]);
  t.equal(backlog.whole, true);
});

void t.test('a device with something unread waits for it', async (t) => {
  const { lanes, backlog } = await newBacklog(t);
  backlog.appended([recordOf(13, 'a')]);
  lanes.done(recordOf(1, 'a'));
  t.same(takeAll(lanes), [2, 3, 4, 5, 6, 7, 8, 9, 10], '11, 12 and 13 are to be read');
});

void t.test('while others may have appended, nobody goes past what is unread', async (t) => {
  const { lanes, backlog, answer } = await newBacklog(t);
  backlog.more();
  backlog.appended([recordOf(20, 'live')]);
  lanes.done(recordOf(1, 'a'));
  t.same(takeAll(lanes), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  backlog.top();
  await answer([recordOf(11, 'a'), recordOf(12, 'a'), recordOf(19, 'live'), recordOf(20, 'live')]);
  t.same(takeAll(lanes), [11, 19, 12, 20]);
});

/** A restart: the outbox holds two messages of device a that do not fit, and nobody knows yet whose they are. */
const restartedBacklog = async (t: Test): Promise<Scene> => {
  const scene = newScene(t, { records: 10, bytes: 1e6, recordsPerLane: 10, noted: 10 });
  scene.backlog.top();
  await scene.answer(Array.from({ length: 10 }, (_, index) => recordOf(index + 1, 'a')));
  scene.backlog.top();
  return scene;
};

void t.test('after a start live messages wait until it is known who has something unread, and then go past it', async (t) => {
  const { lanes, backlog, answer, reads } = await restartedBacklog(t);
  t.same(reads, [0], 'nobody asks yet');
  backlog.appended([recordOf(13, 'early')]);
  backlog.top();
  t.same(reads, [0, 8], 'the second read only looks whose they are');
  await answer([recordOf(9, 'a'), recordOf(10, 'a'), recordOf(11, 'a'), recordOf(12, 'b'), recordOf(13, 'early')]);
  t.equal(lanes.has('early'), false);
  await until('the next look', () => reads.length === 3);
  await answer([]);
  backlog.appended([recordOf(14, 'live'), recordOf(15, 'b'), recordOf(16, 'early')]);
  t.same([lanes.has('live'), lanes.has('b'), lanes.has('early')], [true, false, false]);
  t.same(takeAll(lanes), [1, 14, 2, 3, 4, 5, 6, 7, 8]);
  backlog.top();
  await answer([9, 10, 11].map((seq) => recordOf(seq, 'a')).concat([recordOf(12, 'b'), recordOf(13, 'early'), recordOf(14, 'live'), recordOf(15, 'b'), recordOf(16, 'early')]));
  t.same(takeAll(lanes), [9, 12, 13, 10, 15, 16, 11]);
});

void t.test('a look that could not be finished is begun again', async (t) => {
  const { lanes, backlog, answer, reads } = await restartedBacklog(t);
  backlog.appended([recordOf(11, 'early')]);
  backlog.top();
  await answer(new BridgeError('store_unavailable'));
  backlog.top();
  t.same(reads, [0, 8, 8]);
  await answer([recordOf(9, 'a'), recordOf(10, 'a'), recordOf(11, 'early')]);
  await until('the next look', () => reads.length === 4);
  await answer([]);
  backlog.appended([recordOf(12, 'live')]);
  t.equal(lanes.has('live'), true);
});

void t.test('a look is given up when others append', async (t) => {
  const { lanes, backlog, answer } = await restartedBacklog(t);
  backlog.appended([recordOf(10, 'early')]);
  backlog.top();
  backlog.more();
  await answer([recordOf(9, 'a')]);
  backlog.appended([recordOf(11, 'live')]);
  t.equal(lanes.has('live'), false);
});

void t.test('a message that is told after a later one is neither skipped nor taken twice', async (t) => {
  const { lanes, backlog, answer } = newScene(t);
  backlog.top();
  await answer([recordOf(1, 'a'), recordOf(2, 'b')]);
  backlog.appended([recordOf(2, 'b')]);
  backlog.top();
  await answer([]);
  t.equal(backlog.whole, true);
  backlog.appended([recordOf(5, 'c')]);
  backlog.appended([recordOf(4, 'd')]);
  t.same(takeAll(lanes), [1, 2, 5, 4]);
});

void t.test('one that is told late while there is no room is taken when there is some', async (t) => {
  const { lanes, backlog, answer } = newScene(t, { records: 2, bytes: 1e6, recordsPerLane: 2, noted: 1 });
  backlog.top();
  await answer([]);
  backlog.appended([recordOf(2, 'a'), recordOf(3, 'b')]);
  backlog.appended([recordOf(1, 'c')]);
  t.same(takeAll(lanes), [2, 3]);
  backlog.top();
  t.same(takeAll(lanes), [1]);
});
