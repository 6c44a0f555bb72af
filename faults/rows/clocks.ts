import { apiKey } from '../../test/end-to-end/support/bridge.js';
import { at, devEuiOf, uplinkBody } from '../../test/end-to-end/support/load.js';
import { endMisbehaviour, healthy, nothingParked, outboxEmpty, series, stayedZero } from '../bridge-checks.js';
import type { Row } from '../row.js';
import { quickReconnects } from '../stage-options.js';
import type { Stage } from '../stage.js';
import { openSwitches, type Switches } from '../switches.js';

const devices = 20;
const hourMs = 3_600_000;
const patience = { publishTimeout: '1s', connectTimeout: '1s' };
const rate = 100;
/** A shifted clock is noticed in the bridge within this time, ms. */
const noticedMs = 100;
/** Much shorter than the jump: whoever waited by the wall clock would come an hour late. */
const soonMs = 30_000;

/** The same bytes once more are a duplicate, whatever the clock says now. */
const repeatOf = (stage: Stage, number: number): (() => Promise<void>) => {
  const devEui = devEuiOf(900_000 + number);
  const call = { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': apiKey }, body: uplinkBody(devEui, 0) };
  const post = async (): Promise<number> => (await stage.bridge.call('/in/factory?event=up', call)).status;
  let posted = false;
  return async () => {
    const before = await stage.bridge.metric(series.duplicates);
    const status = await post();
    stage.check(status === 204, `a webhook was answered ${status} beside a jump of the clock`);
    const more = (await stage.bridge.metric(series.duplicates)) - before;
    stage.check(more === (posted ? 1 : 0), posted ? 'a repeated webhook was not recognised after a jump of the clock' : 'a new webhook was taken for a repeat');
    if (!posted) stage.accepted(devEui, 0);
    posted = true;
  };
};

/** That the clock was set at all: the bridge stamps what it receives. */
const sawOffsets = ({ broker, check }: Stage): void => {
  const seen = new Set(broker.received.all.map(({ payload }) => {
    const { receivedAt = '', time = '' } = JSON.parse(payload) as { readonly receivedAt?: string; readonly time?: string };
    return Math.round((Date.parse(receivedAt) - Date.parse(time)) / hourMs);
  }));
  check([-1, 0, 1].every((hours) => seen.has(hours)), `messages were stamped ${[...seen].join(', ')} hours off the true time`);
};

/** Where the clock stands, in hours off the true time, one after the other: forward and back, back and forward. */
const offsets = [1, 0, -1, 0];

/** Sets the clock in the middle of a load of one and a half seconds. */
const jumpUnderLoad = async (stage: Stage, switches: Switches, hours: number): Promise<void> => {
  const jump = async (): Promise<void> => {
    await at(performance.now() + 700);
    switches.set('clock', String(hours * hourMs));
  };
  const [accepted] = await Promise.all([stage.load({ devices, count: 1.5 * rate, perSecond: rate }), jump()]);
  stage.check(accepted === 1.5 * rate, `${1.5 * rate - accepted} webhooks were refused when the clock jumped by ${hours} h`);
};

/** AWS goes away when nothing is in flight; the clock jumps while messages wait, and jumps back while they drain. */
const jumpWithBacklog = async (stage: Stage, switches: Switches, hours: number): Promise<void> => {
  await outboxEmpty(stage);
  await stage.proxy.refuse();
  await stage.load({ devices, count: rate, perSecond: 2 * rate });
  switches.set('clock', String(hours * hourMs));
  await stage.load({ devices, count: rate, perSecond: 2 * rate });
  const back = async (): Promise<void> => {
    await stage.eventually('the drain', async () => (await stage.bridge.metric(series.pending)) < 2 * rate - 10);
    switches.set('clock', '0');
  };
  await Promise.all([stage.recover(() => stage.proxy.restore(), soonMs), back()]);
  await healthy(stage, soonMs);
};

const jumps: Row = {
  name: 'clock-jumps',
  fault: 'the wall clock jumps by an hour forward and back, under load and with a backlog; messages are valid for 2 h',
  stage: { configuration: { ...patience, publishesPerSecond: 150, uplinkTimeValidity: '2h' } },
  duplicates: 'none',
  boundSeconds: { quick: 90, long: 240 },
  async run(stage, form) {
    const switches = openSwitches(stage, ['clock']);
    await switches.start();
    for (let round = 0; round < (form === 'quick' ? 1 : 10); round += 1) {
      const repeat = repeatOf(stage, round);
      await repeat();
      for (const hours of offsets) {
        await jumpUnderLoad(stage, switches, hours);
        await repeat();
      }
      await stage.recover(() => undefined);
      await stayedZero(stage, 'sessionsLost', 'sessions were lost when the clock jumped');
    }
    sawOffsets(stage);
    for (const hours of [1, -1]) await jumpWithBacklog(stage, switches, hours);
    await stayedZero(stage, 'expired', 'messages expired, all of which were valid');
    await nothingParked(stage);
  },
};

/** What expires does so by the wall clock, which alone goes on over a restart: this is what an operator who sets a validity time asks for. */
const validity: Row = {
  name: 'clock-beyond-validity',
  fault: 'the wall clock jumps forward by an hour while messages wait that are valid for 30 min: those are parked (`validity_ended`), later ones are delivered',
  stage: { configuration: { ...patience, uplinkTimeValidity: '30m', expiredUplinks: 'park' } },
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 60 },
  async run(stage) {
    const switches = openSwitches(stage, ['clock']);
    await stage.proxy.refuse();
    await switches.start();
    await stage.load({ devices, count: rate });
    for (let device = 0; device < devices; device += 1) stage.expectParked(devEuiOf(device));
    switches.set('clock', String(hourMs));
    await at(performance.now() + noticedMs);
    await stage.load({ devices, count: rate, firstDevice: devices });
    await stage.recover(() => stage.proxy.restore(), soonMs);
    await outboxEmpty(stage);
    const parked = await stage.bridge.metric(series.validityEnded);
    stage.check(parked === rate, `${parked} messages were parked, ${rate} were older than their validity time`);
  },
};

/** The connection is held, and tried again after a pause. */
const held: Row = {
  name: 'clock-back-while-held',
  fault: 'the wall clock jumps back by an hour while nothing is allowed and the connection is held; then the policy allows it',
  stage: { configuration: { ...patience, ...quickReconnects } },
  duplicates: 'unavoidable',
  boundSeconds: { quick: 90, long: 90 },
  async run(stage) {
    const switches = openSwitches(stage, ['clock']);
    await stage.broker.control({ do: 'misbehave', rules: [{ action: 'close' }] });
    const bridge = await switches.start();
    await stage.load({ devices, count: rate });
    await stage.eventually('the connection held', async () => (await bridge.metric(series.held)) === 1, 60_000);
    switches.set('clock', String(-hourMs));
    await at(performance.now() + noticedMs);
    await stage.recover(() => endMisbehaviour(stage), soonMs);
    await nothingParked(stage);
    await healthy(stage, soonMs);
  },
};

export const clocks: readonly Row[] = [jumps, validity, held];
