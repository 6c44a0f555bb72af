import { startBridge, type BridgeTarget } from './start-bridge.js';
import { startBare } from './start-target.js';
import type { RedisServer } from '../test/support/redis-server.js';
import type { BrokerAddress } from './broker.js';
import type { BridgeOptions } from './bridge-config.js';
import { connections, makeKnown, measure, post, subjectOf, type Subject, type Work } from './measure.js';
import { alternate, medianFor, ratioOf, type Sample, type Turn } from './sample.js';
import type { Scene } from './scene.js';
import type { BodyKind, Measured } from './types.js';

/** What is measured where nothing else is said. */
export const usual = { body: 'chirpstack', devices: 10_000 } as const;
/** At this rate latencies are told, requests a second. */
export const usualRate = 1_000;

/** A bridge under load. */
export interface Loaded extends Subject {
  readonly bridge: BridgeTarget;
}

type LoadedOptions = Omit<BridgeOptions, 'broker' | 'store' | 'redisUrl'> & Partial<Pick<BridgeOptions, 'store'>> & { readonly broker?: BrokerAddress & { readonly pid?: number }; readonly redis?: RedisServer };

/** Starts one that ends with the row. */
export const openBridge = async (scene: Scene, { broker: own, redis, ...options }: LoadedOptions = {}): Promise<Loaded> => {
  const broker = own ?? (await scene.broker());
  const bridge = await scene.own(startBridge({ broker, store: 'local', ...options, ...(redis === undefined ? {} : { redisUrl: redis.url }) }));
  return { ...subjectOf(bridge, [broker.pid, redis?.pid].filter((pid) => pid !== undefined)), bridge };
};

/** A subject, and the load that it is measured with. */
export interface Contestant {
  readonly name: string;
  readonly subject: Subject;
  readonly body?: BodyKind;
  readonly devices?: number;
  readonly twice?: boolean;
  /** HTTP connections at full speed, where they are not the usual number. */
  readonly connections?: number;
  /** Where latencies are told at another than the usual rate. */
  readonly rate?: number;
}

const workOf = ({ body = usual.body, devices = usual.devices, twice }: Contestant): Omit<Work, 'seconds' | 'connections'> => ({ body, devices, ...(twice === undefined ? {} : { twice }) });

/** So long V8 still compiles what a bridge at work does most, s: its speed rises until then, and a daemon runs for months. */
const warmSeconds = { full: 6, quick: 2 } as const;

/** Every device known. */
export const introduce = (contestant: Contestant): Promise<void> => {
  const work = workOf(contestant);
  return makeKnown(contestant.subject, { ...work, devices: Math.min(work.devices, usual.devices) });
};

/** Posts until what a load needs is compiled, and waits until nothing of it is under way. */
const compile = async ({ form }: Pick<Scene, 'form'>, contestant: Contestant, load: Pick<Work, 'connections' | 'rate'>): Promise<void> => {
  await post(contestant.subject, { ...workOf(contestant), ...load, seconds: warmSeconds[form] });
  await contestant.subject.target.drained();
};

/** Every device known and everything compiled, before anything is measured at full speed. */
export const warm = async (scene: Scene, contestant: Contestant): Promise<void> => {
  await introduce(contestant);
  await compile(scene, contestant, { connections: contestant.connections ?? connections.fullSpeed });
};

/** What comes one by one takes other ways through the code than what comes at full speed: they are compiled too. */
export const warmAtRate = async (scene: Scene, contestant: Contestant): Promise<void> => {
  await warm(scene, contestant);
  await compile(scene, contestant, { connections: connections.fixedRate, rate: usualRate });
};

/** At full speed. Nobody watches the broker meanwhile: its copies would take from what is measured. */
export const fullSpeed = (scene: Scene, contestant: Contestant): Turn => ({
  name: contestant.name,
  measure: () => {
    scene.tell(contestant.name);
    return measure(contestant.subject, { ...workOf(contestant), connections: contestant.connections ?? connections.fullSpeed, seconds: scene.seconds });
  },
});

/** At a fixed rate, and watched at the far side of the broker unless nothing arrives there. */
export const atRate = async (scene: Scene, contestant: Contestant, { rate = contestant.rate ?? usualRate, seconds = scene.seconds, observed = true } = {}): Promise<Sample> => {
  scene.tell(`${contestant.name}, ${rate}/s`);
  return measure(contestant.subject, { ...workOf(contestant), connections: connections.fixedRate, rate, seconds }, observed ? await scene.observer() : undefined);
};

/** The latencies at the usual rate, to stand beside the figures of full speed. */
export const latencies = async (scene: Scene, contestant: Contestant): Promise<Pick<Measured, 'acceptMs' | 'arriveMs'>> => {
  const { acceptMs, arriveMs } = await atRate(scene, contestant);
  return { ...(acceptMs === undefined ? {} : { acceptMs }), ...(arriveMs === undefined ? {} : { arriveMs }) };
};

/** The same time in more and shorter windows: the machine's own speed may change within seconds, and a ratio tells most between neighbours. */
export const inShortWindows = <T extends Pick<Scene, 'seconds' | 'rounds'>>(whole: T): T => {
  const seconds = whole.seconds > 2 ? 2 : 1;
  return { ...whole, seconds, rounds: Math.ceil((whole.seconds * whole.rounds) / seconds) };
};

/** What was measured beside (a), and what each reached of another in the same time. */
export interface BesideBare {
  readonly measured: readonly Measured[];
  readonly ratio: (one: string, other: string) => number;
}

/** Each contestant at full speed in turn with bare Fastify (a), which gets the load of the first one; then its latencies. */
export const besideBare = async (scene: Scene, contestants: readonly Contestant[], rounds = scene.rounds): Promise<BesideBare> => {
  const short = inShortWindows({ ...scene, rounds });
  const bare: Contestant = { ...contestants[0], name: 'bare', subject: subjectOf(await scene.own(startBare())) };
  const all = [bare, ...contestants];
  for (const contestant of all) await warm(scene, contestant);
  const samples = await alternate(all.map((contestant) => fullSpeed(short, contestant)), short.rounds);
  const ratio = (one: string, other: string): number => ratioOf(samples, one, other);
  const measured: Measured[] = [];
  for (const contestant of contestants) {
    const { name } = contestant;
    measured.push({ name, ...medianFor(samples, name), ...(await latencies(scene, contestant)), ratioToBare: ratio(name, bare.name) });
  }
  return { measured, ratio };
};

/** Measures a bridge beside (a). */
export const bridgeBesideBare = async (scene: Scene, contestant: Omit<Contestant, 'subject'>, options: Parameters<typeof openBridge>[1] = {}): Promise<BesideBare> =>
  besideBare(scene, [{ ...contestant, subject: await openBridge(scene, options) }]);
