import t from 'tap';
import { createTrials } from '../../src/uplink/trials.js';
import { recordOf } from '../support/records.js';

const clock = (): { now: () => number; pass(ms: number): void } => {
  let at = 1_000_000;
  return { now: () => at, pass: (ms) => (at += ms) };
};
const offender = recordOf(1, 'bad');
const innocent = recordOf(2, 'good');

void t.test('one close makes nobody a suspect, two do', async (t) => {
  const trials = createTrials(clock().now);
  t.equal(trials.blamed(offender, 'shared'), 'again');
  t.notOk(trials.cautious);
  t.equal(trials.blamed(offender, 'shared'), 'kept');
  t.ok(trials.cautious);
});

void t.test('an offender is parked only after another topic was acknowledged between two refusals', async (t) => {
  const time = clock();
  const trials = createTrials(time.now);
  trials.blamed(offender, 'shared');
  trials.blamed(offender, 'shared');
  t.equal(trials.next(innocent), offender, 'the suspect is tried first');
  t.equal(trials.blamed(offender, 'alone'), 'kept', 'the first strike');
  time.pass(60_000);
  t.equal(trials.next(innocent), innocent, 'then another topic, for evidence');
  trials.acknowledged(innocent);
  t.equal(trials.next(undefined), offender);
  t.equal(trials.blamed(offender, 'alone'), 'park');
  t.notOk(trials.cautious);
  t.ok(trials.forbids(offender.topic));
  time.pass(300_001);
  t.notOk(trials.forbids(offender.topic), 'a changed policy gets its chance');
});

void t.test('closes without a word may be the network: twice as many are needed, each with another topic acknowledged since', async (t) => {
  const time = clock();
  const trials = createTrials(time.now);
  trials.blamed(offender, 'shared');
  trials.blamed(offender, 'shared');
  for (const strike of [1, 2, 3]) {
    t.equal(trials.next(innocent), offender);
    t.equal(trials.blamed(offender, 'silent'), 'kept', `silent close ${strike}`);
    t.equal(trials.blamed(offender, 'silent'), 'kept', 'without another acknowledgement it counts once');
    time.pass(61_000);
    trials.acknowledged(innocent);
  }
  t.equal(trials.blamed(offender, 'silent'), 'park');
});

void t.test('a silent close and a reason given add up, and an acknowledgement clears both', async (t) => {
  const trials = createTrials(clock().now);
  const blamed = (how: 'alone' | 'silent'): string => {
    trials.acknowledged(innocent);
    return trials.blamed(offender, how);
  };
  t.same([blamed('silent'), blamed('alone'), blamed('silent')], ['kept', 'kept', 'park']);
  t.same([blamed('silent'), blamed('silent'), blamed('silent')], ['kept', 'kept', 'kept']);
  trials.acknowledged(offender);
  t.same([blamed('silent'), blamed('silent'), blamed('silent'), blamed('silent')], ['kept', 'kept', 'kept', 'park']);
});

void t.test('while nothing is acknowledged, nothing is parked and the connection is held', async (t) => {
  const time = clock();
  const trials = createTrials(time.now);
  const records = [offender, innocent, recordOf(3, 'c'), recordOf(4, 'd')];
  for (const record of records) {
    trials.blamed(record, 'shared');
    trials.blamed(record, 'shared');
  }
  for (let round = 0; round < 40; round += 1) {
    time.pass(61_000);
    const next = trials.next(undefined);
    t.ok(next);
    if (next !== undefined) t.equal(trials.blamed(next, 'alone'), 'kept');
  }
  t.type(trials.heldSince, 'number');
  time.pass(61_000);
  trials.acknowledged(innocent);
  t.equal(trials.heldSince, undefined, 'one acknowledgement ends it');
});

void t.test('trials pause longer and longer while all fail', async (t) => {
  const time = clock();
  const trials = createTrials(time.now);
  trials.blamed(offender, 'alone');
  t.equal(trials.next(undefined), undefined, 'not at once');
  time.pass(60_000);
  t.equal(trials.next(undefined), offender);
});

void t.test('a PUBACK that forbids parks at once when other topics are acknowledged, else is tried again', async (t) => {
  const trials = createTrials(clock().now);
  t.equal(trials.blamed(offender, 'refused'), 'kept', 'no other topic was acknowledged yet');
  const fresh = createTrials(clock().now);
  fresh.acknowledged(innocent);
  t.equal(fresh.blamed(offender, 'refused'), 'park');
});

void t.test('an acknowledged suspect is none, and an unreachable endpoint forgives', async (t) => {
  const trials = createTrials(clock().now);
  trials.blamed(offender, 'shared');
  trials.forgive();
  t.equal(trials.blamed(offender, 'shared'), 'again');
  trials.blamed(offender, 'shared');
  trials.acknowledged(offender);
  t.notOk(trials.cautious);
});

void t.test('a topic that somebody says is allowed is tried again at once', async (t) => {
  const trials = createTrials(clock().now);
  trials.acknowledged(recordOf(1, 'b'));
  const refused = recordOf(2, 'a');
  t.equal(trials.blamed(refused, 'refused'), 'park');
  t.equal(trials.forbids(refused.topic), true);
  trials.allow(refused.topic);
  t.equal(trials.forbids(refused.topic), false);
});
