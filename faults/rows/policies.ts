import { devEuiOf } from '../../test/end-to-end/support/load.js';
import { endMisbehaviour, series } from '../bridge-checks.js';
import type { Row } from '../row.js';
import { quickReconnects } from '../stage-options.js';

const devices = 20;
const offender = devEuiOf(7);
const offendersTopic = `tpx/things/${offender.toUpperCase()}/uplink`;

/** Closes that one offending topic may cost: it is found by trials and then not tried again for five minutes. */
const mostReconnects = 20;

const offending = (name: string, fault: string, rule: object): Row => ({
  name,
  fault,
  stage: { configuration: quickReconnects },
  // What was in flight when the session was closed may have arrived.
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 300 },
  async run(stage, form) {
    await stage.broker.control({ do: 'misbehave', rules: [{ ...rule, filter: offendersTopic }] });
    stage.expectParked(offender);
    const bridge = await stage.start();
    const rounds = form === 'quick' ? 20 : 200;
    await stage.load({ devices, count: devices * rounds, perSecond: 200 });
    await stage.recover(() => undefined);
    await stage.eventually(`${rounds} messages of the offending topic parked`, async () => (await bridge.metric(series.forbidden)) === rounds, 60_000);
    const lost = await bridge.metric(series.sessionsLost);
    stage.check(lost <= mostReconnects, `${lost} sessions were closed for one topic`);
    stage.remark(`${lost} sessions closed`);
  },
});

const everything: Row = {
  name: 'everything-forbidden',
  fault: 'AWS closes on every publish, until the policy allows them',
  stage: { configuration: quickReconnects },
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 240 },
  async run(stage, form) {
    await stage.broker.control({ do: 'misbehave', rules: [{ action: 'close' }] });
    const bridge = await stage.start();
    const count = form === 'quick' ? 100 : 2_000;
    const accepted = await stage.load({ devices, count });
    stage.check(accepted === count, `${count - accepted} webhooks were not answered 204`);
    await stage.eventually('the connection held', async () => (await bridge.metric(series.held)) === 1, 60_000);
    const { body } = await bridge.private('/health');
    stage.check(body.includes('connection_held'), `the health does not say that the connection is held: ${body}`);
    stage.check((await bridge.private('/ready')).status === 200, 'not ready while the connection was held');
    await stage.recover(() => endMisbehaviour(stage));
    const parked = await bridge.metric(series.forbidden);
    stage.check(parked === 0, `${parked} messages were parked while nothing at all was allowed`);
  },
};

export const policies: readonly Row[] = [
  offending('offender-closes', 'AWS closes the session on each publish to one topic', { action: 'close' }),
  offending('offender-refused', 'AWS answers PUBACK 0x87 to each publish to one topic', { action: 'refuse-publish', reasonCode: 0x87 }),
  everything,
];
