import { fullSpeed, inShortWindows, latencies, openBridge, warm, type Contestant } from '../cases.js';
import { subjectOf } from '../measure.js';
import type { Row } from '../row.js';
import { alternate, medianFor, ratioOf, type Sample, type Turn } from '../sample.js';
import type { Scene } from '../scene.js';
import { publishAlone, startBare, startLeast, startNaive, storeAlone, type Alone } from '../start-target.js';

const names = {
  bare: '(a) bare Fastify: parses the same body, answers 204',
  naive: '(b) bare Fastify and one MQTT.js publish a request, ten sessions, answers on PUBACK, no store',
  publish: '(c) MQTT.js publishing alone, ten sessions',
  store: '(d) the local store appending alone',
  least: '(e) the least by hand: checks, writes in one form, knows again, is durable before the answer, publishes; no order, pace, books or restart',
  ours: 'the bridge: local store, 10,000 devices, ChirpStack',
} as const;

const sampleOf = ({ perSecond, usage }: Alone, seconds: number): Sample => ({
  perSecond,
  cpuMicrosPerUplink: usage.cpuMicros / (perSecond * seconds),
  writtenBytesPerUplink: usage.writtenBytes / (perSecond * seconds),
  callsPerUplink: usage.readWriteCalls / (perSecond * seconds),
  peakRssAnonBytes: usage.peakRssAnonBytes,
});

/** What a quick run leaves out: (e), and the parts of the way by themselves. */
const furtherTurns = async (scene: Scene): Promise<readonly Turn[]> => {
  if (scene.form === 'quick') return [];
  const broker = await scene.broker();
  const least: Contestant = { name: names.least, subject: subjectOf(await scene.own(startLeast(broker)), [broker.pid]) };
  await warm(scene, least);
  const alone = (name: string, run: () => Promise<Alone>): Turn => ({ name, measure: async () => (scene.tell(name), sampleOf(await run(), scene.seconds)) });
  return [fullSpeed(scene, least), alone(names.publish, () => publishAlone(broker, scene.seconds)), alone(names.store, () => storeAlone(scene.seconds))];
};

/** The bridge between the ceilings, in turn with each of them. */
export const headline: Row = {
  name: 'headline',
  what: 'Full speed, and the ceilings',
  quick: true,
  boundSeconds(whole) {
    const { seconds, rounds } = inShortWindows(whole);
    return 90 + rounds * 7 * (seconds + 10) + 3 * whole.seconds;
  },
  async run(whole) {
    const scene = inShortWindows(whole);
    const broker = await scene.broker();
    const bare: Contestant = { name: names.bare, subject: subjectOf(await scene.own(startBare())) };
    const naive: Contestant = { name: names.naive, subject: subjectOf(await scene.own(startNaive(broker)), [broker.pid]) };
    const ours: Contestant = { name: names.ours, subject: await openBridge(scene) };
    for (const contestant of [bare, naive, ours]) await warm(scene, contestant);
    const further = await furtherTurns(scene);
    const latenciesOf = async (contestant: Contestant) => (scene.form === 'quick' ? {} : latencies(whole, contestant));
    const [a, b, us] = [fullSpeed(scene, bare), fullSpeed(scene, naive), fullSpeed(scene, ours)];
    const samples = await alternate([a, us, b, us, ...further], scene.rounds);
    const of = (name: string): Sample => medianFor(samples, name);
    const ratio = (one: string, other: string): number => ratioOf(samples, one, other);
    const [ratioToBare, ratioToNaive] = [ratio(names.ours, names.bare), ratio(names.ours, names.naive)];
    return {
      measured: [
        { name: names.bare, ...of(names.bare) },
        { name: names.naive, ...of(names.naive), ...(await latenciesOf(naive)), ratioToBare: ratio(names.naive, names.bare) },
        ...further.map(({ name }) => ({ name, ...of(name), ...(name === names.least ? { ratioToBare: ratio(name, names.bare) } : {}) })),
        {
          name: names.ours, ...of(names.ours), ...(await latenciesOf(ours)), ratioToBare, ratioToNaive,
          ...(further.length === 0 ? {} : { ratioToPublishAlone: ratio(names.ours, names.publish), ratioToStoreAlone: ratio(names.ours, names.store), ratioToLeast: ratio(names.ours, names.least) }),
        },
      ],
      seen: { toBare: ratioToBare, toNaive: ratioToNaive },
    };
  },
};
