import { fileURLToPath } from 'node:url';
import t from 'tap';
import { nameOf, newDownlink, recordWork } from '../../../contracts/downlink-store-samples.js';
import { testDir } from '../../../support/test-dir.js';
import { until } from '../../../support/until.js';
import { openDownlinks } from './open-downlinks.js';
import { after, runAndKill } from '../run-and-kill.js';

const program = fileURLToPath(new URL('./add-forever.js', import.meta.url));

const numberOf = (name: string): number => Number(name.slice(name.indexOf('.') + 1));

void t.test('what was added before kill -9 is there afterwards, in order, at whatever point it came', async (t) => {
  for (const lines of [50, 400, 2_000]) {
    const dataDir = testDir(t);
    const said = await runAndKill(program, dataDir, lines);
    const store = await openDownlinks(t, dataDir);
    const added = after(said, '+');
    const collected = after(said, '<');
    t.ok(added.length >= lines / 3, `${added.length} were added`);

    for (const line of collected) {
      const [name = '', requestId = ''] = line.split('@');
      const { downlink } = await store.queue.collect({ deviceId: 'm', requestId, again: true, rememberMs: 1_000 });
      t.equal(nameOf(downlink), name, 'a request that was answered gets the same answer');
    }
    const noticed = (await store.queue.notices(0)).map(({ downlink }) => nameOf(downlink));
    t.same(collected.map((line) => line.split('@')[0]).filter((name) => !noticed.includes(name ?? '')), [], 'what was collected is noticed');
    const submitted = (await store.submitted.of('s')).map(({ downlink }) => nameOf(downlink));
    t.same(after(said, '=').slice(-60).filter((name) => !submitted.includes(name)), [], 'what was submitted is remembered');

    const states = await Promise.all(added.slice(-100).map((name) => store.queue.add(newDownlink(name, name.slice(0, 1)), { delivery: 'submit', windowMs: 1, capacity: 1 })));
    t.same(states.filter(({ state }) => state !== 'duplicate'), [], 'every id is still known');

    const work = recordWork();
    store.queue.start(work);
    await until('all but the mailbox left', () => {
      const left = new Set(work.names());
      return added.every((name) => name.startsWith('m') || left.has(name));
    });
    for (const deviceId of ['a', 'b', 'c']) {
      const numbers = work.names(deviceId).map(numberOf);
      t.same(numbers, numbers.map((_, index) => index), 'none lost, none twice, none out of order');
    }
  }
});
