import { besideBare, bridgeBesideBare, openBridge, usual, type Contestant } from '../cases.js';
import type { Row } from '../row.js';
import type { Scene } from '../scene.js';

const million = 1_000_000;

/** Devices that the bridge heard before it started; so many posts beforehand would take minutes. */
const contestantWith = async (scene: Scene, devices: number): Promise<Contestant> => ({
  name: `${devices.toLocaleString('en')} known devices`,
  devices,
  subject: await openBridge(scene, { devices, devicesKnown: devices }),
});

/** Twice as many as usual: the difference that is looked for is less than what one round differs from the next. */
const roundsOf = ({ rounds }: Pick<Scene, 'rounds'>): number => 2 * rounds;

const what = 'Devices that take turns';

/** Slow enough for one device, whose messages go one after another, each when the one before it is acknowledged. */
const slow = { connections: 1, rate: 100 } as const;

/** By itself: what one device posts faster than it can leave would have to drain. */
export const oneDevice: Row = {
  name: 'one-device',
  what,
  boundSeconds: ({ seconds, rounds }) => 90 + (rounds + 2) * 2 * (seconds + 8),
  async run(scene) {
    const remark = `one HTTP connection, (a) too; latencies at ${slow.rate}/s`;
    const { measured } = await bridgeBesideBare(scene, { name: 'one device', devices: 1, ...slow });
    return { measured: measured.map((one) => ({ ...one, remark: one.remark === undefined ? remark : `${remark}; ${one.remark}` })) };
  },
};

export const deviceCounts: Row = {
  name: 'devices',
  what,
  boundSeconds: (extent) => 240 + (roundsOf(extent) + 2) * 3 * (extent.seconds + 30),
  async run(scene) {
    const contestants: Contestant[] = [];
    for (const devices of [usual.devices, million]) contestants.push(await contestantWith(scene, devices));
    const { measured: [few, many], ratio: ratioOf } = await besideBare(scene, contestants, roundsOf(scene));
    if (few === undefined || many === undefined) throw new Error('not all were measured');
    const ratio = ratioOf(many.name, few.name);
    return {
      measured: [few, { ...many, remark: [`${ratio.toFixed(2)} of that with ${usual.devices.toLocaleString('en')}`, ...(many.remark === undefined ? [] : [many.remark])].join('; ') }],
      seen: { millionToTenThousand: ratio, ...(many.peakRssAnonBytes === undefined ? {} : { millionRssAnonMb: many.peakRssAnonBytes / 1024 / 1024 }) },
    };
  },
};
