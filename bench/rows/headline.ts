import { fullSpeed, latencies, openBridge, warm, type Contestant } from '../cases.js';
import { subjectOf } from '../measure.js';
import type { Row } from '../row.js';
import { alternate, medianFor, type Sample, type Turn } from '../sample.js';
import { publishAlone, startBare, startNaive, storeAlone, type Alone } from '../start-target.js';

const names = {
  bare: '(a) bare Fastify: parses the same body, answers 204',
  naive: '(b) bare Fastify and one MQTT.js publish a request, ten sessions, answers on PUBACK, no store',
  publish: '(c) MQTT.js publishing alone, ten sessions',
  store: '(d) the local store appending alone',
  ours: 'the bridge: local store, 10,000 devices, ChirpStack',
} as const;

const sampleOf = ({ perSecond, usage }: Alone, seconds: number): Sample => ({
  perSecond,
  cpuMicrosPerUplink: usage.cpuMicros / (perSecond * seconds),
  writtenBytesPerUplink: usage.writtenBytes / (perSecond * seconds),
  callsPerUplink: usage.readWriteCalls / (perSecond * seconds),
  peakRssAnonBytes: usage.peakRssAnonBytes,
});

/** The bridge between the ceilings, in turn with each of them. */
export const headline: Row = {
  name: 'headline',
  what: 'Full speed, and the ceilings',
  quick: true,
  boundSeconds: ({ seconds, rounds }) => 60 + rounds * 6 * (seconds + 10) + 3 * seconds,
  async run(scene) {
    const broker = await scene.broker();
    const bare: Contestant = { name: names.bare, subject: subjectOf(await scene.own(startBare())) };
    const naive: Contestant = { name: names.naive, subject: subjectOf(await scene.own(startNaive(broker)), [broker.pid]) };
    const ours: Contestant = { name: names.ours, subject: await openBridge(scene) };
    for (const contestant of [bare, naive, ours]) await warm(contestant);
    const alone = (name: string, run: () => Promise<Alone>): Turn => ({ name, measure: async () => (scene.tell(name), sampleOf(await run(), scene.seconds)) });
    const latenciesOf = async (contestant: Contestant) => (scene.form === 'quick' ? {} : latencies(scene, contestant));
    const ceilings = [alone(names.publish, () => publishAlone(broker, scene.seconds)), alone(names.store, () => storeAlone(scene.seconds))];
    const [a, b, us] = [fullSpeed(scene, bare), fullSpeed(scene, naive), fullSpeed(scene, ours)];
    const samples = await alternate([a, us, b, us, ...(scene.form === 'quick' ? [] : ceilings)], scene.rounds);
    const of = (name: string): Sample => medianFor(samples, name);
    const ratioTo = (name: string): number => of(names.ours).perSecond / of(name).perSecond;
    const { ratioToBare, ratioToNaive } = { ratioToBare: ratioTo(names.bare), ratioToNaive: ratioTo(names.naive) };
    return {
      measured: [
        { name: names.bare, ...of(names.bare) },
        { name: names.naive, ...of(names.naive), ...(await latenciesOf(naive)), ratioToBare: of(names.naive).perSecond / of(names.bare).perSecond },
        ...ceilings.filter(({ name }) => samples.has(name)).map(({ name }) => ({ name, ...of(name) })),
        {
          name: names.ours, ...of(names.ours), ...(await latenciesOf(ours)), ratioToBare, ratioToNaive,
          ...(samples.has(names.publish) ? { ratioToPublishAlone: ratioTo(names.publish), ratioToStoreAlone: ratioTo(names.store) } : {}),
        },
      ],
      seen: { toBare: ratioToBare, toNaive: ratioToNaive },
    };
  },
};
