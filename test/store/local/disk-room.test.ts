import t from 'tap';
import { createDiskRoom, type DiskRoomOptions } from '../../../src/store/local/disk-room.js';
import { names, newAppend, readAll } from '../../contracts/outbox-samples.js';
import { openTables, openEnvironment } from '../../../src/store/local/environment.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';
import { openOutbox } from './open-outbox.js';

interface Case {
  readonly free: number;
  readonly reusable?: number;
  readonly isSmall?: true;
  readonly full: boolean;
}

const cases: readonly Case[] = [
  { free: 16_000_000, full: false },
  { free: 15_999_999, full: true },
  { free: 15_000_000, reusable: 1_000_000, full: false },
  { free: 15_000_000, reusable: 999_999, full: true },
  { free: 4_000_000, reusable: 12_000_000, full: false },
  { free: 3_999_999, reusable: 1e12, full: true },
  { free: 8_000_000, isSmall: true, full: false },
  { free: 7_999_999, isSmall: true, full: true },
  { free: 4_000_000, reusable: 4_000_000, isSmall: true, full: false },
];

void t.test('room on the disk, and within the file', async (t) => {
  for (const { free, reusable = 0, isSmall, full } of cases) {
    const options: DiskRoomOptions = { path: '/', reusableBytes: () => reusable, freeBytes: async () => free, ...(isSmall === undefined ? {} : { isSmall }) };
    const refused = await createDiskRoom(options).assertRoom().then(() => false, () => true);
    t.equal(refused, full, `${free} on the disk, ${reusable} within the file${isSmall === true ? ', a small store' : ''}`);
  }
});

void t.test('the file system is asked each time while little is free, and else no more than it takes', async (t) => {
  let free = 17_000_000;
  let asked = 0;
  const freeBytes = async (): Promise<number> => {
    asked += 1;
    return free;
  };
  const room = createDiskRoom({ path: '/', reusableBytes: () => 0, freeBytes, freshMs: 1e9 });
  await room.assertRoom();
  free = 1;
  await t.rejects(room.assertRoom(), /the disk is full/);
  free = 1e9;
  await room.assertRoom();
  await room.assertRoom();
  t.equal(asked, 3);
});

void t.test('what a backlog took of the file is room again once it is delivered', async (t) => {
  const dataDir = testDir(t);
  const outbox = await openOutbox(t, dataDir);
  const environment = openEnvironment(`${dataDir}/outbox`, openTables);
  t.teardown(() => environment.close());
  const before = environment.reusableBytes();
  for (let batch = 0; batch < 30; batch += 1) await outbox.append(names(100, `b${batch}-`).map((name) => newAppend(name, { payload: Buffer.alloc(1_500) })));
  const held = environment.reusableBytes();
  t.ok(before < 500_000 && held < 500_000, `${before} bytes at first, ${held} with a backlog of 4,500,000`);
  await outbox.settle((await readAll(outbox)).map((record) => ({ outcome: 'delivered', record })));
  await until('what the journal holds of it is stored', () => environment.reusableBytes() > 1_500_000);
});
