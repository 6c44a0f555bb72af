import t from 'tap';
import { createFreshRun } from '../../../src/store/redis/fresh-run.js';
import { createUnbrokenTime } from '../../../src/store/redis/unbroken-time.js';

const lease = 900;

void t.test('it suffices when answers came regularly for a whole lease', (t) => {
  const time = createUnbrokenTime(lease);
  t.notOk(time.suffices(0));
  for (const at of [0, 300, 600, 899]) {
    time.answered(at, 1_000_000 + at);
    t.notOk(time.suffices(at));
  }
  time.answered(900, 1_000_900);
  t.ok(time.suffices(900));
  t.end();
});

void t.test('a lost connection, a late answer and a clock that was put forward or back begin it anew', (t) => {
  const rows = [
    { name: 'nothing', disturb: () => undefined, at: 1_200, redisAt: 1_200, suffices: true },
    { name: 'a small step of the clock', disturb: () => undefined, at: 1_200, redisAt: 1_500, suffices: true },
    { name: 'a lost connection', disturb: (time: ReturnType<typeof createUnbrokenTime>) => time.broken(), at: 1_200, redisAt: 1_200, suffices: false },
    { name: 'a late answer', disturb: () => undefined, at: 1_501, redisAt: 1_501, suffices: false },
    { name: 'a clock that was put forward', disturb: () => undefined, at: 1_200, redisAt: 1_501, suffices: false },
    { name: 'a clock that was put back', disturb: () => undefined, at: 1_200, redisAt: 899, suffices: false },
  ];
  for (const { name, disturb, at, redisAt, suffices } of rows) {
    const time = createUnbrokenTime(lease);
    for (const before of [0, 300, 600, 900]) time.answered(before, before);
    t.ok(time.suffices(900));
    disturb(time);
    time.answered(at, redisAt);
    t.equal(time.suffices(at), suffices, name);
    for (const later of [300, 600, 900]) time.answered(at + later, redisAt + later);
    t.ok(time.suffices(at + 900), `${name}: and a lease later it suffices again`);
  }
  t.end();
});

void t.test('without a connection nothing suffices', (t) => {
  const time = createUnbrokenTime(lease);
  for (const at of [0, 300, 600, 900]) time.answered(at, at);
  time.broken();
  t.notOk(time.suffices(5_000));
  t.end();
});

void t.test('who asks during a run shares the next one, and a run that failed stops nobody', async (t) => {
  const ends: ((fail: boolean) => void)[] = [];
  const run = createFreshRun(() => {
    const number = ends.length + 1;
    return new Promise<number>((resolve, reject) => ends.push((fail) => (fail ? reject(new Error(`run ${number}`)) : resolve(number))));
  });
  const begun = async (count: number): Promise<void> => {
    while (ends.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const first = run();
  await begun(1);
  const [second, shared] = [run(), run()];
  ends[0]?.(true);
  await t.rejects(first, /run 1/);
  await begun(2);
  const third = run();
  ends[1]?.(false);
  t.same(await Promise.all([second, shared]), [2, 2]);
  await begun(3);
  ends[2]?.(false);
  t.equal(await third, 3);
});
