import { atRate, openBridge, usualRate, warmAtRate, type Contestant } from '../cases.js';
import type { Row } from '../row.js';
import { medianSample, type Sample } from '../sample.js';
import type { Scene } from '../scene.js';
import type { Measured } from '../types.js';

const all = [100, 200, 500, usualRate, 1_500, 2_000, 3_000, 4_000];
/** The row that the plot is made of. */
export const ratesName = 'rates';

const ratesOf = ({ form }: Pick<Scene, 'form'>): readonly number[] => (form === 'quick' ? [usualRate] : all);

/** The rate that targets stand for is measured in every round of the full form, all others once. */
const samplesAt = async (scene: Scene, contestant: Contestant, rate: number): Promise<readonly Sample[]> => {
  const samples: Sample[] = [];
  const rounds = rate === usualRate && scene.form === 'full' ? scene.rounds : 1;
  for (let round = 0; round < rounds; round += 1) samples.push(await atRate(scene, contestant, { rate, seconds: 2 * scene.seconds }));
  return samples;
};

/** Less than this share of a rate is another rate. */
const heldShare = 0.98;

const told = (rate: number, sample: Sample): Measured => ({
  name: `${rate.toLocaleString('en')}/s`,
  ...sample,
  ...(sample.perSecond < heldShare * rate ? { remark: ['the rate was not held', ...(sample.remark === undefined ? [] : [sample.remark])].join('; ') } : {}),
});

export const rates: Row = {
  name: ratesName,
  what: 'Latency and CPU over the load',
  quick: true,
  boundSeconds: ({ seconds, rounds }) => 80 + (all.length + rounds) * (2 * seconds + 15),
  async run(scene) {
    const contestant: Contestant = { name: 'the bridge', subject: await openBridge(scene) };
    await warmAtRate(scene, contestant);
    const measured: Measured[] = [];
    for (const rate of ratesOf(scene)) measured.push(told(rate, medianSample(await samplesAt(scene, contestant, rate))));
    const { cpuMicrosPerUplink, acceptMs, arriveMs } = measured[ratesOf(scene).indexOf(usualRate)] ?? {};
    if (cpuMicrosPerUplink === undefined || acceptMs === undefined || arriveMs === undefined) throw new Error(`nothing was seen at ${usualRate}/s`);
    return { measured, seen: { cpuMicros: cpuMicrosPerUplink, acceptP50: acceptMs.p50, acceptP99: acceptMs.p99, acceptP999: acceptMs.p999, arriveP99: arriveMs.p99 } };
  },
};
