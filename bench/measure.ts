import { runLoad } from './load.js';
import type { Observer } from './observer.js';
import { watchUsage } from './proc.js';
import { withoutGaps, type Sample } from './sample.js';
import type { Arrivals, LoadOptions, LoadResult, Target, Usage } from './types.js';

/** A target, and which frame counters it has seen. */
export interface Subject {
  readonly target: Target;
  /** Messages that are accepted and not delivered; absent where every answer comes last. */
  readonly pending?: () => Promise<number>;
  /** Processes that work for it: broker, Redis. */
  readonly helpers: readonly number[];
  nextFrame: number;
  /** Whose turn it is. */
  nextDevice: number;
}

export const subjectOf = (target: Target & { pending?(): Promise<number> }, helpers: readonly number[] = []): Subject => ({
  target,
  helpers,
  ...(target.pending === undefined ? {} : { pending: () => target.pending?.() ?? Promise.resolve(0) }),
  nextFrame: 0,
  nextDevice: 0,
});

/** What a target is loaded with. */
export type Work = Omit<LoadOptions, 'url' | 'headers' | 'firstFrame' | 'firstDevice'>;

/** Connections that network servers hold open, at full speed and at a fixed rate. */
export const connections = { fullSpeed: 64, fixedRate: 32 } as const;

/** Above it the load generator may have been the limit, cores. */
export const busyGenerator = 0.9;
/** A run with more of them than this measured something else, share of all requests. */
const mostFailures = 0.001;
/** A backlog of less than this at the end is what happened to be under way, share of what was answered. */
const tellingBacklog = 0.02;

const wrongWith = ({ answered, refused, broken }: LoadResult): string | undefined => {
  if (answered === 0) return `no request was answered 2xx, ${refused} were refused, ${broken} got no answer`;
  return refused + broken > mostFailures * answered ? `${refused} requests were refused and ${broken} got no answer, beside ${answered} answered 2xx` : undefined;
};

/** Posts, and waits for nothing behind it. @throws when requests failed */
export const post = async (subject: Subject, work: Work): Promise<LoadResult> => {
  const { target } = subject;
  const firstDevice = subject.nextDevice % work.devices;
  const load = await runLoad({ ...work, url: target.webhook(work.body), headers: target.headers, firstFrame: subject.nextFrame, firstDevice });
  subject.nextFrame = Math.max(subject.nextFrame, load.nextFrame);
  subject.nextDevice = firstDevice + Math.floor(load.answered / (work.twice === true ? 2 : 1));
  const wrong = wrongWith(load);
  if (wrong !== undefined) throw new Error(`${target.name}: ${wrong}`);
  return load;
};

interface Seen {
  readonly load: LoadResult;
  readonly usage: Usage;
  /** Of its helpers; absent where it has none. */
  readonly helperUsage: Usage | undefined;
  /** Accepted and not delivered when the load ended. */
  readonly left: number;
  readonly arrivals: Arrivals | undefined;
  readonly fixedRate: boolean;
}

const remarkOf = ({ load, left, fixedRate }: Seen): string | undefined => {
  const remarks = [
    ...(load.generatorCores > busyGenerator ? [`the load generator used ${load.generatorCores.toFixed(2)} of a core: the target may be faster`] : []),
    ...(left > tellingBacklog * load.answered && !fixedRate ? ['webhooks were answered faster than delivered'] : []),
  ];
  return remarks.length === 0 ? undefined : remarks.join('; ');
};

/** What is accepted and still waits is not counted as done: a target is as fast as the slower of its two ends. */
const sampleOf = (seen: Seen): Sample => {
  const { load, usage, helperUsage, left, arrivals, fixedRate } = seen;
  const each = (whole: number): number => whole / load.answered;
  return withoutGaps<Sample>({
    perSecond: load.perSecond * Math.max(0, 1 - left / load.answered),
    cpuMicrosPerUplink: each(usage.cpuMicros),
    // At full speed a latency says only how many requests waited for each other.
    acceptMs: fixedRate ? load.latencyMs : undefined,
    arriveMs: arrivals?.latencyMs,
    peakRssAnonBytes: usage.peakRssAnonBytes,
    writtenBytesPerUplink: each(usage.writtenBytes),
    callsPerUplink: each(usage.readWriteCalls),
    generatorCores: load.generatorCores,
    helperMicrosPerUplink: helperUsage === undefined ? undefined : each(helperUsage.cpuMicros),
    remark: remarkOf(seen),
  });
};

/**
 * One window: a load, what the target's process used until nothing waits in it any more, and, with an observer, what arrived.
 * @throws when requests failed, or when not everything arrived
 */
export const measure = async (subject: Subject, work: Work, observer?: Observer): Promise<Sample> => {
  const { target, helpers } = subject;
  await observer?.begin();
  const watch = watchUsage(target.pids);
  const helperWatch = helpers.length === 0 ? undefined : watchUsage(helpers);
  let seen: Seen;
  try {
    const load = await post(subject, work);
    const left = (await subject.pending?.()) ?? 0;
    await target.drained();
    seen = { load, usage: watch.soFar(), helperUsage: helperWatch?.soFar(), left, arrivals: await observer?.end(), fixedRate: work.rate !== undefined };
  } finally {
    watch.stop();
    helperWatch?.stop();
  }
  const { load, arrivals } = seen;
  const wanted = work.twice === true ? Math.floor(load.answered / 2) : load.answered;
  if (arrivals !== undefined && arrivals.count < wanted) throw new Error(`${target.name}: ${arrivals.count} messages arrived of ${wanted}`);
  return sampleOf(seen);
};

/** Longest run that makes devices known, s, and how often it is tried. */
const longestRun = 300;
const tries = 3;

/** Posts once for each device, so that all are known: one run goes round them in turn. It also lets code be compiled that is to be measured. */
export const makeKnown = async (subject: Subject, work: Omit<Work, 'seconds' | 'connections' | 'rate'>): Promise<void> => {
  let seconds = 1;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const { answered, perSecond } = await post(subject, { ...work, connections: Math.min(work.devices, connections.fullSpeed), seconds });
    await subject.target.drained();
    if (answered >= work.devices) return;
    seconds = Math.min(longestRun, Math.ceil((1.3 * work.devices) / perSecond));
  }
  throw new Error(`${subject.target.name}: ${work.devices} devices could not be made known`);
};
