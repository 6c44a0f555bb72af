import { besideBare, bridgeBesideBare, openBridge, usual, type BesideBare, type Contestant } from '../cases.js';
import { makeKnown } from '../measure.js';
import type { Row } from '../row.js';
import type { Scene } from '../scene.js';
import type { Measured } from '../types.js';

const million = 1_000_000;
/** Longest time until each of them was heard, s: a slow machine takes 5,000 a second. */
const boundOfHearing = 300;

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

/** Posts until the bridge heard each of its devices since it started, as it has after an hour of any day. */
const hearEach = async (scene: Scene, { name, subject, devices = usual.devices }: Contestant): Promise<void> => {
  scene.tell(`${name}: each is heard`);
  await makeKnown(subject, { body: usual.body, devices });
};

/** What `name` reached, and which share of `other` that is. */
const beside = ({ measured, ratio: ratioOf }: BesideBare, name: string, other: string): { readonly one: Measured; readonly ratio: number } => {
  const one = measured.find((each) => each.name === name);
  if (one === undefined) throw new Error(`${name} was not measured`);
  const ratio = ratioOf(name, other);
  const share = `${ratio.toFixed(2)} of ${usual.devices.toLocaleString('en')} in turn with it`;
  return { one: { ...one, remark: one.remark === undefined ? share : `${share}; ${one.remark}` }, ratio };
};

/** First while most of 1,000,000 are heard the first time since the start, then when each was heard; 10,000 were heard soon. */
export const deviceCounts: Row = {
  name: 'devices',
  what,
  boundSeconds: (extent) => 240 + boundOfHearing + 2 * (roundsOf(extent) + 2) * 3 * (extent.seconds + 30),
  async run(scene) {
    const few = await contestantWith(scene, usual.devices);
    const many = await contestantWith(scene, million);
    const unheard = { ...many, name: `${many.name}, most not heard since the start` };
    const first = beside(await besideBare(scene, [few, unheard], roundsOf(scene)), unheard.name, few.name);
    await hearEach(scene, many);
    const afterwards = await besideBare(scene, [few, many], roundsOf(scene));
    const { one, ratio } = beside(afterwards, many.name, few.name);
    const ofFew = afterwards.measured.filter(({ name }) => name === few.name);
    return {
      measured: [...ofFew, first.one, one],
      seen: { millionToTenThousand: ratio, ...(one.peakRssAnonBytes === undefined ? {} : { millionRssAnonMb: one.peakRssAnonBytes / 1024 / 1024 }) },
    };
  },
};
