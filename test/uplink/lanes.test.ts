import t from 'tap';
import { createLanes, type Lanes } from '../../src/uplink/lanes.js';
import type { OutboxRecord } from '../../src/uplink/ports.js';
import { recordOf } from '../support/records.js';

const takeNext = (lanes: Lanes): OutboxRecord | undefined => {
  const record = lanes.peek();
  if (record !== undefined) lanes.take();
  return record;
};

void t.test('one record of a device is out at a time, devices go beside each other', async (t) => {
  const lanes = createLanes();
  for (const [seq, device] of [[1, 'a'], [2, 'a'], [3, 'b']] as const) t.ok(lanes.add(recordOf(seq, device)));
  const first = takeNext(lanes);
  const second = takeNext(lanes);
  t.equal(first?.seq, 1);
  t.equal(second?.seq, 3);
  t.equal(lanes.peek(), undefined, 'the second record of a waits for the first');
  lanes.done(recordOf(1, 'a'));
  t.equal(takeNext(lanes)?.seq, 2);
});

void t.test('a record that goes again goes before the others of its device', async (t) => {
  const lanes = createLanes();
  for (const seq of [1, 2]) lanes.add(recordOf(seq, 'a'));
  takeNext(lanes);
  lanes.again(recordOf(1, 'a'));
  t.equal(takeNext(lanes)?.seq, 1);
});

void t.test('a busy device is noted by position, and read back in order', async (t) => {
  const lanes = createLanes({ records: 100, bytes: 1e6, recordsPerLane: 2, noted: 100 });
  const all = Array.from({ length: 7 }, (_, index) => recordOf(index + 1, 'a'));
  for (const record of all) t.ok(lanes.add(record));
  t.equal(lanes.loaded, 2, 'only two are in memory');
  const order: number[] = [];
  for (let guard = 0; guard < 20 && lanes.has('a'); guard += 1) {
    const wanted = lanes.wanted(10);
    if (wanted.length > 0) lanes.refill(all.filter(({ seq }) => wanted.includes(seq)), wanted);
    const record = takeNext(lanes);
    if (record === undefined) continue;
    order.push(record.seq);
    lanes.done(record);
  }
  t.same(order, [1, 2, 3, 4, 5, 6, 7]);
  t.equal(lanes.loaded, 0);
});

void t.test('reading stops when the lanes are full, by count, by bytes and by noted positions', async (t) => {
  const byCount = createLanes({ records: 1, bytes: 1e6, recordsPerLane: 5, noted: 5 });
  t.ok(byCount.add(recordOf(1, 'a')));
  t.notOk(byCount.add(recordOf(2, 'b')));
  const byBytes = createLanes({ records: 10, bytes: 5, recordsPerLane: 5, noted: 5 });
  t.ok(byBytes.add(recordOf(1, 'a')));
  t.ok(byBytes.full);
  const byNoted = createLanes({ records: 10, bytes: 1e6, recordsPerLane: 1, noted: 1 });
  t.ok(byNoted.add(recordOf(1, 'a')));
  t.ok(byNoted.add(recordOf(2, 'a')));
  t.notOk(byNoted.add(recordOf(3, 'b')));
});

void t.test('records noted that are gone from the store do not block their lane', async (t) => {
  const lanes = createLanes({ records: 10, bytes: 1e6, recordsPerLane: 1, noted: 10 });
  for (const seq of [1, 2, 3]) lanes.add(recordOf(seq, 'a'));
  const first = takeNext(lanes);
  lanes.done(first ?? recordOf(1, 'a'));
  const wanted = lanes.wanted(10);
  t.same(wanted, [2]);
  lanes.refill([], wanted);
  t.same(lanes.wanted(10), [3], 'the lane asks for its next one');
});

void t.test('a record put straight out holds its lane until it is done', async (t) => {
  const lanes = createLanes();
  const direct = recordOf(-1, 'a');
  lanes.occupy(direct);
  lanes.add(recordOf(1, 'a'));
  t.equal(lanes.peek(), undefined);
  lanes.done(direct);
  t.equal(takeNext(lanes)?.seq, 1);
});

void t.test('positions that could not be read are asked for again', async (t) => {
  const lanes = createLanes({ records: 10, bytes: 1e6, recordsPerLane: 1, noted: 10 });
  for (const seq of [1, 2]) lanes.add(recordOf(seq, 'a'));
  lanes.done(takeNext(lanes) ?? recordOf(1, 'a'));
  t.same(lanes.wanted(10), [2]);
  lanes.unread();
  t.same(lanes.wanted(10), [2]);
});

void t.test('a lane that is put aside leaves the memory, and comes back in order behind what waits', async (t) => {
  const lanes = createLanes({ records: 3, bytes: 1e6, recordsPerLane: 2, noted: 10 });
  const all = [recordOf(1, 'a'), recordOf(2, 'a'), recordOf(3, 'b')];
  for (const record of all) t.ok(lanes.add(record));
  t.ok(lanes.full);
  lanes.shelve();
  t.notOk(lanes.full, 'its room is free');
  t.equal(takeNext(lanes)?.seq, 3, 'the others go on');
  t.ok(lanes.add(recordOf(4, 'a')));
  t.ok(lanes.has('a'));
  t.equal(lanes.peek(), undefined, 'nothing of it comes');
  t.same(lanes.wanted(10), [], 'and nothing of it is read');
  lanes.fetch('a');
  const wanted = lanes.wanted(10);
  t.same(wanted, [1, 2]);
  lanes.refill(all.filter(({ seq }) => wanted.includes(seq)), wanted);
  for (const seq of [1, 2]) {
    const record = takeNext(lanes);
    t.equal(record?.seq, seq);
    lanes.done(record ?? recordOf(seq, 'a'));
  }
  t.same(lanes.wanted(10), [4]);
});

void t.test('all lanes that were put aside come back at once', async (t) => {
  const lanes = createLanes();
  for (const [index, device] of ['a', 'b', 'c'].entries()) lanes.add(recordOf(index + 1, device));
  for (const _ of ['a', 'b', 'c']) lanes.shelve();
  lanes.fetch('unknown');
  t.same(lanes.wanted(10), []);
  lanes.fetchAll();
  t.same([...lanes.wanted(10)].sort(), [1, 2, 3]);
});

void t.test('what comes while positions are being read stands behind them', async (t) => {
  const lanes = createLanes({ records: 100, bytes: 1e6, recordsPerLane: 1, noted: 100 });
  for (const seq of [1, 2]) lanes.add(recordOf(seq, 'a'));
  lanes.done(takeNext(lanes) ?? recordOf(0, 'a'));
  const wanted = lanes.wanted(10);
  t.same(wanted, [2]);
  lanes.add(recordOf(3, 'a'));
  t.equal(lanes.peek(), undefined, 'the later one does not overtake');
  lanes.refill([recordOf(2, 'a')], wanted);
  t.equal(takeNext(lanes)?.seq, 2);
  lanes.done(recordOf(2, 'a'));
  t.same(lanes.wanted(10), [3]);
});

void t.test('what could not be read is asked for again, before what came meanwhile', async (t) => {
  const lanes = createLanes({ records: 100, bytes: 1e6, recordsPerLane: 2, noted: 100 });
  for (const seq of [1, 2, 3]) lanes.add(recordOf(seq, 'a'));
  for (const seq of [1, 2]) {
    takeNext(lanes);
    lanes.done(recordOf(seq, 'a'));
  }
  t.same(lanes.wanted(10), [3]);
  lanes.add(recordOf(4, 'a'));
  lanes.unread();
  t.same(lanes.wanted(10), [3, 4]);
});

void t.test('cleared lanes hold nothing, and begin anew', async (t) => {
  const lanes = createLanes();
  for (const [seq, device] of [[1, 'a'], [2, 'a'], [3, 'b']] as const) lanes.add(recordOf(seq, device));
  takeNext(lanes);
  lanes.clear();
  t.same([lanes.ready, lanes.loaded, lanes.has('a'), lanes.peek()], [0, 0, false, undefined]);
  lanes.done(recordOf(1, 'a'));
  lanes.add(recordOf(4, 'a'));
  t.equal(takeNext(lanes)?.seq, 4);
});
