import { at } from '../../test/end-to-end/support/load.js';
import { healthy, nothingParked, stayedZero } from '../bridge-checks.js';
import type { Row } from '../row.js';
import { openSwitches } from '../switches.js';

const devices = 20;
const rate = 100;
const blockedMs = 5_000;
const soonMs = 30_000;

/** Blocks the event loop under load; webhooks wait in the kernel meanwhile and are answered afterwards. */
const blocked: Row = {
  name: 'event-loop-blocked',
  fault: 'the event loop is blocked for 5 s under load (long: five times), while a PUBACK may take 1 s',
  stage: { configuration: { publishTimeout: '1s', connectTimeout: '1s' } },
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 120 },
  async run(stage, form) {
    const switches = openSwitches(stage, ['block']);
    switches.set('block', String(blockedMs));
    const { program } = await switches.start();
    for (let round = 0; round < (form === 'quick' ? 1 : 5); round += 1) {
      let answeredAt = performance.now();
      let longestMs = 0;
      const answered = (): void => {
        longestMs = Math.max(longestMs, performance.now() - answeredAt);
        answeredAt = performance.now();
      };
      const block = async (): Promise<void> => {
        await at(performance.now() + 500);
        program.signal('SIGUSR2');
      };
      const [accepted] = await Promise.all([stage.load({ devices, count: 2 * rate, perSecond: rate, answered }), block()]);
      stage.check(longestMs > 0.9 * blockedMs, `the longest time without an answer was ${Math.round(longestMs)} ms: nothing was blocked`);
      stage.check(accepted === 2 * rate, `${2 * rate - accepted} webhooks were not answered 204`);
      await stage.recover(() => undefined, soonMs);
      await healthy(stage, soonMs);
    }
    await stayedZero(stage, 'sessionsLost', 'sessions were lost');
    await nothingParked(stage);
  },
};

export const stalls: readonly Row[] = [blocked];
