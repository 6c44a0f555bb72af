import { at } from '../../test/end-to-end/support/load.js';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';

const devices = 50;
const sessions = 10;
/** Ten at 100 ms from each other, and the session for downlinks. */
const mostInASecond = 12;
/** Shortest of the longest pauses of `reconnect`, ms, and attempts until the pauses have grown; for the pool, and for the session for downlinks. */
const leastPauseAtLengthMs = 1_000;
const growing = 6;
const knockers = 2;

/** Most connects in any second of those asked for since. */
const busiestSecond = (connects: readonly number[], since: number): number => {
  const later = connects.filter((moment) => moment >= since);
  return Math.max(0, ...later.map((moment, index) => later.slice(index).filter((other) => other < moment + 1_000).length));
};

const open = (stage: Stage): Promise<boolean> => stage.eventually(`${sessions} sessions`, async () => (await stage.bridge.metric('lpwan_bridge_sessions_open{connection="main"}')) === sessions, 30_000);

/** Refuses for so long and counts who knocks. */
const refuse = async (stage: Stage, seconds: number): Promise<void> => {
  const begun = performance.now();
  stage.proxy.reset();
  await at(begun + seconds * 1_000);
  const knocks = stage.proxy.connects.filter((moment) => moment >= begun).length;
  const most = knockers * (Math.ceil((seconds * 1_000) / leastPauseAtLengthMs) + growing);
  stage.check(knocks <= most, `${knocks} connect attempts in ${seconds} s of refusal, more than ${most}`);
  stage.remark(`${knocks} attempts in ${seconds} s of refusal`);
};

const together: Row = {
  name: 'ten-sessions-reconnect',
  fault: 'ten sessions lose their connections at once, twice; the second time AWS resets new ones for a while',
  stage: { configuration: { publishesPerSecondPerClient: 10, idleTimeout: '5m' } },
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 300 },
  async run(stage, form) {
    const seconds = form === 'quick' ? 5 : 60;
    await stage.start();
    const rate = 80;
    const load = stage.load({ devices, count: rate * (seconds + 15), perSecond: rate });
    await open(stage);
    const since = performance.now();
    stage.proxy.cut();
    await stage.eventually('sessions after the cut', () => stage.proxy.connects.some((moment) => moment > since + 10));
    await open(stage);
    await refuse(stage, seconds);
    await stage.recover(() => stage.proxy.restore());
    await open(stage);
    await load;
    const busiest = busiestSecond(stage.proxy.connects, since);
    stage.check(busiest <= mostInASecond, `${busiest} connect attempts in one second`);
    stage.remark(`at most ${busiest} attempts in a second`);
  },
};

export const reconnects: readonly Row[] = [together];
