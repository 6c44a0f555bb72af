import t from 'tap';
import { createGathering } from '../../../src/store/local/gathering.js';

const append = { kind: 'append' } as const;
const settle = { kind: 'settle' } as const;

/** A clock that stands until it is moved, and what waits with it. */
const gatheringAt = () => {
  let now = 10_000;
  const gathering = createGathering({ appendMs: 2, settleMs: 8 }, () => now);
  return { gathering, pass: (ms: number) => void (now += ms) };
};

void t.test('without options nothing waits', async (t) => {
  const gathering = createGathering(undefined, () => 0);
  gathering.begin([append]);
  gathering.add(append, []);
  t.equal(gathering.waitMs([append]), 0);
});

void t.test('the first transaction begins at once', async (t) => {
  const { gathering } = gatheringAt();
  gathering.add(append, []);
  t.ok(gathering.waitMs([append]) <= 0);
  t.ok(gathering.waitMs([settle]) <= 0);
});

void t.test('one sender that posts after each answer never waits', async (t) => {
  const { gathering, pass } = gatheringAt();
  for (let message = 0; message < 5; message += 1) {
    gathering.add(append, [settle]);
    t.ok(gathering.waitMs([settle, append]) <= 0);
    gathering.begin([settle, append]);
    gathering.end();
    pass(1);
  }
});

void t.test('senders side by side share transactions, each of which begins 2 ms after the last', async (t) => {
  const { gathering, pass } = gatheringAt();
  gathering.begin([append]);
  gathering.add(append, []);
  gathering.end();
  pass(0.5);
  t.equal(gathering.waitMs([append]), 1.5);
  pass(1.5);
  t.ok(gathering.waitMs([append]) <= 0);
  pass(1_001);
  gathering.begin([append]);
  gathering.end();
  gathering.add(append, []);
  t.ok(gathering.waitMs([append]) <= 0, 'a second after they were seen beside each other it is forgotten');
});

void t.test('two that wait at the same time are side by side', async (t) => {
  const { gathering, pass } = gatheringAt();
  gathering.begin([settle]);
  gathering.end();
  gathering.add(append, []);
  gathering.add(append, [append]);
  pass(1);
  t.equal(gathering.waitMs([append, append]), 1);
});

void t.test('what only settles waits 8 ms after the last transaction, unless something urgent comes', async (t) => {
  const { gathering, pass } = gatheringAt();
  gathering.begin([append]);
  gathering.end();
  pass(3);
  gathering.add(settle, []);
  t.equal(gathering.waitMs([settle]), 5);
  gathering.add({ kind: 'upkeep' }, [settle]);
  t.ok(gathering.waitMs([settle, { kind: 'upkeep' }]) <= 0);
});

void t.test('an append is all that its turn brings, what only settles may get company within the turn', async (t) => {
  const { gathering } = gatheringAt();
  t.ok(gathering.isWhole([settle, append]));
  t.notOk(gathering.isWhole([settle]));
  t.notOk(createGathering(undefined, () => 0).isWhole([append]), 'without options whoever asks gathers nothing');
});
