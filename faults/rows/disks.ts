import type { TestBridge } from '../../test/end-to-end/support/bridge.js';
import type { Row } from '../row.js';
import { smallDisk, type SmallDisk } from '../small-disk.js';
import type { Stage } from '../stage.js';
import { acceptsAll, dataDirOf, devices, expectFailedStart, expectRefusal, leaveBacklog, readyAgain } from '../store-checks.js';
import { withoutRates } from '../without-limits.js';

const refusedSeries = 'lpwan_bridge_messages_rejected_total{network_server="factory",reason="store_unavailable"}';

/** Another file takes the room, while AWS is away and so nothing can go out directly. */
const filledByAnother = async (stage: Stage, bridge: TestBridge, disk: SmallDisk): Promise<void> => {
  await acceptsAll(stage, 'on an empty disk');
  await disk.fill(1_000_000);
  const accepted = await stage.load({ devices, count: 200 });
  stage.check(accepted < 200, 'nothing was refused on a full disk');
  await expectRefusal(stage, bridge, 'store_unavailable');
  await disk.empty();
  await readyAgain(stage, bridge);
  await acceptsAll(stage, 'after room was made');
};

/** The backlog itself takes the room; nobody makes any but the deliveries. */
const filledByBacklog = async (stage: Stage, bridge: TestBridge, disk: SmallDisk): Promise<void> => {
  let refused = 0;
  while (refused === 0) await stage.load({ devices, count: 1_000, answered: (_index, status) => void (refused += status === 503 ? 1 : 0) });
  await expectRefusal(stage, bridge, 'store_unavailable');
  const held = await bridge.metric('lpwan_bridge_outbox_pending_messages{connection="main"}');
  await stage.recover(() => stage.proxy.restore());
  await readyAgain(stage, bridge);
  await acceptsAll(stage, 'after the backlog was delivered');
  stage.remark(`${held} messages filled the disk; ${(await disk.free()) >> 20} MB free when it was taken into use again`);
  stage.check((await bridge.metric(refusedSeries)) >= refused, 'the refusals are not counted by their reason');
};

const fullDisk = smallDisk(24);
const full: Row = {
  name: 'disk-full',
  fault: 'the disk under the outbox is full: by another file, then by the backlog itself while AWS is away',
  stage: { ...withoutRates, file: fullDisk.file },
  duplicates: 'none',
  boundSeconds: { quick: 120, long: 240 },
  async run(stage) {
    const disk = fullDisk.find(stage);
    const bridge = await stage.start();
    if (disk === undefined) return acceptsAll(stage, 'on the usual disk');
    await stage.proxy.refuse();
    await filledByAnother(stage, bridge, disk);
    await filledByBacklog(stage, bridge, disk);
  },
};

const readOnlyDisk = smallDisk(32);
const readOnly: Row = {
  name: 'disk-read-only',
  fault: 'the data directory is on a disk that is read-only at start, with a backlog in it',
  stage: { file: readOnlyDisk.file },
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 60 },
  async run(stage) {
    const disk = readOnlyDisk.find(stage);
    await leaveBacklog(stage, 200);
    if (disk !== undefined) {
      await disk.readOnly(true);
      await expectFailedStart(stage, { what: 'a read-only disk', says: ['store_unavailable', await dataDirOf(stage)] });
      await disk.readOnly(false);
    }
    await stage.proxy.restore();
    await stage.recover(() => stage.start());
    await acceptsAll(stage, 'once it could be written');
  },
};

export const disks: readonly Row[] = [full, readOnly];
