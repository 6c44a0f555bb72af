import type { TestBridge } from './bridge.js';
import { hear, type DownlinkScene } from './downlink-scene.js';
import { deviceOf, mergeSent, numberedDownlinks, type Sent } from './downlinks.js';
import { at } from './load.js';

/** Two network servers, so that the trouble of one can be held against the other. */
export const twoServers = { a: 'chirpstack', b: 'the-things-stack' } as const;

/** The devices of each. */
export const families = { a: 'ea', b: 'eb' } as const;
export const devices = 10;

/** Devices of both network servers are heard, so that each downlink knows its way. */
export const hearAll = async (scene: DownlinkScene, bridge: TestBridge): Promise<void> => {
  for (const id of ['a', 'b'] as const) for (let index = 0; index < devices; index += 1) await hear(bridge, scene.server(id), deviceOf(index, families[id]));
};

/** One downlink to each device every half second, for so long; `from` is the number of the first. */
export const trickle = async (scene: DownlinkScene, family: string, seconds: number, from = 0): Promise<Sent> => {
  const start = performance.now();
  let all: Sent = new Map();
  for (let round = 0; round < seconds * 2; round += 1) {
    await at(start + round * 500);
    const { messages, sent } = numberedDownlinks({ devices, count: devices, from: from + round, family });
    await scene.broker.publish(messages);
    all = mergeSent(all, sent);
  }
  return all;
};
