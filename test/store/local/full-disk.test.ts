import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { pino } from 'pino';
import { openLocalOutbox } from '../../../src/store/local/local-outbox.js';
import { newAppend, readAll } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';

const program = fileURLToPath(new URL('./full-disk.js', import.meta.url));

interface Report {
  readonly first: { readonly batches: number; readonly reason: string; readonly detail: string };
  readonly second: { readonly batches: number; readonly reason: string };
  readonly reopened: number;
  readonly [key: string]: unknown;
}

/** Files of at most `blocks` × 1,024 bytes; Node ignores SIGXFSZ, so a write beyond it fails with EFBIG. */
const runLimited = async (dataDir: string, blocks: number): Promise<Report> => {
  const { stdout } = await promisify(execFile)('bash', ['-c', `ulimit -f ${blocks} && exec "$0" "$@"`, process.execPath, program, dataDir], { timeout: 60_000 });
  return JSON.parse(stdout) as Report;
};

void t.test('a disk that is full refuses, keeps nothing of the refused, and works again when there is room, without a restart', async (t) => {
  for (const blocks of [2_000, 6_000]) {
    const report = await runLimited(testDir(t), blocks);
    t.ok(report.first.batches > 5, `${report.first.batches} batches fitted`);
    t.match(report, {
      first: { reason: 'store_unavailable', detail: /EFBIG: file too large.*bytes free in the data directory/, duplicates: ['store_unavailable', 'store_unavailable'] },
      unwritable: 'store_unavailable',
      kept: report.first.batches * 64,
      keptBeside: report.first.batches,
      lost: ['store_unavailable', 'store_unavailable'],
      duplicate: 'duplicate',
      pendingAfterSettle: 0,
      again: true,
      x: 'stored',
      second: { reason: 'store_unavailable' },
      parked: 1,
    });
    t.equal(report.reopened, (report.second.batches - report.first.batches) * 64 + 1 - 1, 'all that was accepted, less the parked one');
    t.match(report.logged, ['store cannot be written', 'store can be written again', 'store cannot be written']);
  }
});

void t.test('too little room is found before LMDB finds it: nothing new is taken, what is delivered still leaves', async (t) => {
  let free = 1e9;
  const outbox = await openLocalOutbox({
    dataDir: testDir(t), maxBytes: 1e9, dedupWindowMs: 7_200_000, parkedMaxBytes: 1e9, logger: pino({ level: 'silent' }),
    freeBytes: () => Promise.resolve(free), intervals: { retry: 10, idle: 50, room: 0 },
  });
  t.teardown(() => outbox.close());
  await outbox.append([newAppend('a'), newAppend('b')]);
  free = 1_000;
  await t.rejects(outbox.append([newAppend('c')]), { reason: 'store_unavailable', message: /less than 16 MB are free.*1000 bytes free/s });
  t.equal(outbox.unwritable(), 'store_unavailable');
  await outbox.settle((await readAll(outbox)).map((record) => ({ outcome: 'delivered', record })));
  t.equal(outbox.pending('main').messages, 0);
  free = 1e9;
  await until('the store is writable again', () => outbox.unwritable() === undefined);
  t.match(await outbox.append([newAppend('c')]), [{ state: 'stored' }]);
});
