import { at } from '../../test/end-to-end/support/load.js';
import { nothingParked } from '../bridge-checks.js';
import type { Row } from '../row.js';
import { quickReconnects } from '../stage-options.js';

const devices = 20;

const midPacket: Row = {
  name: 'closed-mid-packet',
  fault: 'every connection is reset in the middle of a packet after 20 KB',
  stage: { configuration: quickReconnects },
  duplicates: 'unavoidable',
  boundSeconds: { quick: 90, long: 300 },
  async run(stage, form) {
    stage.proxy.shape({ cutAfterBytes: 20_000 });
    await stage.start();
    await stage.load({ devices, count: form === 'quick' ? 600 : 6_000, perSecond: 150 });
    stage.remark(`${stage.proxy.connects.length} connects`);
    stage.check(stage.proxy.connects.length > 5, 'no connection was cut');
    await stage.recover(() => stage.proxy.restore());
    await nothingParked(stage);
  },
};

const halfClosed: Row = {
  name: 'half-closed',
  fault: 'AWS ends its side of every connection (FIN) once a second under load',
  stage: { configuration: quickReconnects },
  duplicates: 'unavoidable',
  boundSeconds: { quick: 90, long: 300 },
  async run(stage, form) {
    const seconds = form === 'quick' ? 4 : 60;
    await stage.start();
    const close = async (): Promise<void> => {
      const begun = performance.now();
      for (let second = 1; second <= seconds; second += 1) {
        await at(begun + second * 1_000);
        stage.proxy.halfClose();
      }
    };
    await Promise.all([close(), stage.load({ devices, count: 150 * seconds, perSecond: 150 })]);
    stage.remark(`${stage.proxy.connects.length} connects`);
    await stage.recover(() => undefined);
    await nothingParked(stage);
  },
};

export const closes: readonly Row[] = [midPacket, halfClosed];
