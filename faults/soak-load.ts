import { readFileSync } from 'node:fs';
import { at, devEuiOf } from '../test/end-to-end/support/load.js';
import { endMisbehaviour } from './bridge-checks.js';
import type { StageOptions } from './stage-options.js';
import type { Stage } from './stage.js';

/** What the mixed load is made of. */
export interface MixedLoad {
  readonly seconds: number;
  readonly uplinksPerSecond: number;
  readonly downlinksPerSecond: number;
}

/** How often each thing happened. */
export interface Happened {
  cuts: number;
  replacements: number;
  parked: number;
  replayed: number;
}

const devices = 100;
/** Devices with downlinks. */
const commanded = 20;
/** Length of one step of the load, s; what is not uplinks or downlinks happens between steps. */
const stepSeconds = 5;
/** Steps between two cuts of all connections to AWS, and two changes of the connection. */
const every = { cut: 4, replacement: 24 };
const parkedAtOnce = 20;
/** Devices whose messages are parked are others in every round. */
const firstParkedDevice = 100_000;
/** A topic that AWS refused is not tried again for five minutes, s; replayed messages too are parked again until then. */
const refusedFor = 310;

const connectionId = 'main';
const parkedSeries = `lpwan_bridge_outbox_parked_total{connection="${connectionId}",reason="publish_refused"}`;

/** The connection is made through the API, so that it can be replaced there. */
export const soakStage: StageOptions = { file: { connections: [] }, networkServers: { city: { api: 'chirpstack' } } };

export const makeConnection = async ({ bridge, broker, proxy }: Stage): Promise<void> => {
  const configuration = {
    endpoint: `localhost:${proxy.port}`, reconnect: { min: '200ms', max: '2s' }, publishTimeout: '2s',
    certificate: readFileSync(broker.certificate, 'utf8'), privateKey: readFileSync(broker.privateKey, 'utf8'), caCertificate: readFileSync(broker.caCertificate, 'utf8'),
  };
  const { status, body } = await bridge.api('POST', '/connections', { id: connectionId, connectorId: 'aws-iot', configuration });
  if (status !== 201) throw new Error(`the connection was not made: ${status} ${body}`);
};

/** Another time-out is enough for a new generation of sessions. */
const replaceConnection = async ({ bridge, check }: Stage, happened: Happened): Promise<void> => {
  happened.replacements += 1;
  const { status, body } = await bridge.api('PATCH', `/connections/${connectionId}`, { configuration: { connectTimeout: `${10 + (happened.replacements % 5)}s` } });
  check(status === 200, `the connection was not replaced: ${status} ${body}`);
};

/** AWS refuses some messages for good. */
const park = async (stage: Stage, happened: Happened): Promise<void> => {
  const firstDevice = firstParkedDevice + happened.parked;
  const topics = Array.from({ length: parkedAtOnce }, (_, index) => `tpx/things/${devEuiOf(firstDevice + index).toUpperCase()}/uplink`);
  await stage.broker.control({ do: 'misbehave', rules: topics.map((filter) => ({ action: 'refuse-publish', reasonCode: 0x99, filter })) });
  await stage.load({ devices: parkedAtOnce, count: parkedAtOnce, firstDevice, parallel: parkedAtOnce });
  happened.parked += parkedAtOnce;
  await stage.eventually(`${happened.parked} messages parked`, async () => (await stage.bridge.metric(parkedSeries)) >= happened.parked, 60_000);
  await endMisbehaviour(stage);
};

const replay = async ({ bridge }: Stage, happened: Happened): Promise<void> => {
  const { json } = await bridge.api('POST', '/parked-messages/replay', { filter: { reason: 'publish_refused' } });
  happened.replayed += Number(json['replayed']);
};

/** Parks some messages, replays them when AWS may be asked again, and begins anew as long as the time that is left allows it. */
const parkingInTurn = (stage: Stage, happened: Happened): ((secondsLeft: number) => Promise<void>) => {
  let parkedAt: number | undefined;
  return async (secondsLeft) => {
    if (parkedAt === undefined && secondsLeft > refusedFor + 2 * stepSeconds) {
      await park(stage, happened);
      parkedAt = performance.now();
    } else if (parkedAt !== undefined && performance.now() - parkedAt > refusedFor * 1_000) {
      parkedAt = undefined;
      await replay(stage, happened);
    }
  };
};

const step = async (stage: Stage, { uplinksPerSecond, downlinksPerSecond }: MixedLoad): Promise<void> => {
  const begun = performance.now();
  const count = uplinksPerSecond * stepSeconds;
  const [accepted] = await Promise.all([
    stage.load({ devices, count, perSecond: uplinksPerSecond }),
    stage.downlinks.send({ to: 'city', count: downlinksPerSecond * stepSeconds, perSecond: downlinksPerSecond }),
  ]);
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were refused`);
  await at(begun + stepSeconds * 1_000);
};

/** Uplinks, downlinks with their statuses, connections that are cut, a connection that is replaced, messages that are parked and replayed. */
export const runMixedLoad = async (stage: Stage, load: MixedLoad): Promise<Happened> => {
  const happened: Happened = { cuts: 0, replacements: 0, parked: 0, replayed: 0 };
  await stage.downlinks.hear(commanded);
  const steps = Math.max(1, Math.round(load.seconds / stepSeconds));
  const parking = parkingInTurn(stage, happened);
  for (let number = 1; number <= steps; number += 1) {
    await Promise.all([step(stage, load), parking((steps - number) * stepSeconds)]);
    if (number % every.replacement === 0) await replaceConnection(stage, happened);
    if (number % every.cut !== 0) continue;
    happened.cuts += 1;
    stage.proxy.cut();
  }
  return happened;
};
