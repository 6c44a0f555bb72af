import { readFileSync } from 'node:fs';
import { connect, type MqttClient } from 'mqtt';
import { at } from '../../test/end-to-end/support/load.js';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';

const devices = 20;
/** Pause of the other client before it connects again, ms. It never gives in. */
const opponentPauseMs = 200;
/** Half of the longest pause of `reconnect` (2 s): jitter gives no less, ms. */
const leastPauseAtLengthMs = 1_000;
/** Attempts until the pauses have grown to their longest. */
const growing = 8;
/** Fewer are no contest. */
const leastTakeovers = 3;

/** The client that should have another id. */
interface Opponent {
  readonly takeovers: number;
  leave(): Promise<void>;
}

/** Connects past the proxy, so that the proxy sees the bridge's attempts only, and connects again whenever it is thrown out. */
const startOpponent = ({ broker }: Stage, clientId: string): Opponent => {
  const identity = { ca: readFileSync(broker.caCertificate), cert: readFileSync(broker.certificate), key: readFileSync(broker.privateKey) };
  let left = false;
  let takeovers = 0;
  let client: MqttClient | undefined;
  const contendOnce = (): Promise<void> =>
    new Promise((resolve) => {
      const one = connect(`mqtts://${broker.endpoint}`, { clientId, protocolVersion: 5, reconnectPeriod: 0, ...identity });
      client = one;
      one.on('error', () => undefined);
      one.on('connect', () => (takeovers += 1));
      one.on('disconnect', () => one.end(true));
      one.once('close', () => resolve());
    });
  const contend = async (): Promise<void> => {
    while (!left) {
      await contendOnce();
      await at(performance.now() + opponentPauseMs);
    }
  };
  const over = contend();
  return {
    get takeovers() {
      return takeovers;
    },
    async leave() {
      left = true;
      client?.end(true);
      await over;
    },
  };
};

const twice: Row = {
  name: 'client-id-twice',
  fault: 'another client connects with the client id of the only session, again and again',
  // With more sessions the bridge goes on under another of its client ids, and there is no contest.
  stage: { configuration: { maxClients: 1 } },
  // What was in flight when the session was taken over may have arrived.
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 300 },
  async run(stage, form) {
    const seconds = form === 'quick' ? 15 : 60;
    const bridge = await stage.start();
    await stage.load({ devices, count: 20 });
    const { slot } = JSON.parse((await bridge.private('/health')).body) as { readonly slot: string };
    const before = stage.proxy.connects.length;
    const opponent = startOpponent(stage, `lpwan-bridge-${slot}-main-1`);
    const naming = stage.eventually('client_id_taken_over in the health', async () => (await bridge.private('/health')).body.includes('client_id_taken_over'));
    await stage.load({ devices, count: 20 * seconds, perSecond: 20 });
    await naming;
    const attempts = stage.proxy.connects.length - before;
    const most = Math.ceil((seconds * 1_000) / leastPauseAtLengthMs) + growing;
    stage.remark(`${attempts} connect attempts in ${seconds} s, ${opponent.takeovers} takeovers`);
    stage.check(opponent.takeovers >= leastTakeovers, `${opponent.takeovers} takeovers are no contest`);
    stage.check(attempts <= most, `${attempts} connect attempts in ${seconds} s, more than ${most}: the pauses do not grow`);
    await stage.recover(() => opponent.leave());
    stage.check(bridge.program.lines.some((line) => line['reason'] === 'client_id_taken_over'), 'the log does not name client_id_taken_over');
  },
};

export const contest: readonly Row[] = [twice];
