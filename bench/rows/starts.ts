import type { Row } from '../row.js';
import { medianOf } from '../sample.js';
import type { Scene } from '../scene.js';
import type { BridgeOptions } from '../bridge-config.js';
import { startBridge, type BridgeTarget } from '../start-bridge.js';

const manyConnections = 200;

/** Starts a bridge so often, each time with an empty data directory, and takes the median, s. */
const medianStart = async (scene: Scene, options: Partial<BridgeOptions>, timeOf: (bridge: BridgeTarget) => number): Promise<number> => {
  const times: number[] = [];
  const broker = await scene.broker();
  for (let round = 0; round < scene.rounds; round += 1) {
    scene.tell(`start with ${options.connections ?? 1} connections`);
    const bridge = await scene.own(startBridge({ broker, store: 'local', ...options }));
    times.push(timeOf(bridge) / 1_000);
    await bridge.stop();
  }
  return medianOf(times) ?? Number.NaN;
};

export const starts: Row = {
  name: 'start',
  what: 'From the start of the process',
  boundSeconds: ({ rounds }) => 30 + rounds * 120,
  async run(scene) {
    const readySeconds = await medianStart(scene, {}, ({ readyMs }) => readyMs);
    const openSeconds = await medianStart(scene, { connections: manyConnections }, ({ openMs }) => openMs);
    return {
      measured: [
        { name: 'until /ready is 200, empty', perSecond: Number.NaN, remark: `${readySeconds.toFixed(2)} s` },
        { name: `until each of ${manyConnections} connections has a session`, perSecond: Number.NaN, remark: `${openSeconds.toFixed(1)} s` },
      ],
      seen: { readySeconds, openSeconds },
    };
  },
};
