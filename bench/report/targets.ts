/** Figures that a row sees and a target is held against. */
export type SeenName =
  | 'toBare' | 'toNaive' | 'redisToBare'
  | 'cpuMicros' | 'acceptP50' | 'acceptP99' | 'acceptP999' | 'arriveP99'
  | 'quotaFaults' | 'quotaFaultsFaster' | 'drainToPublishAlone' | 'downlinksLocal' | 'downlinksRedis'
  | 'millionToTenThousand' | 'millionRssAnonMb' | 'readySeconds' | 'openSeconds' | 'twoWorkersToOne';

export type Seen = Partial<Readonly<Record<SeenName, number>>>;

/** One figure of a target. */
interface Part {
  readonly seen: SeenName;
  readonly better: 'more' | 'less';
  readonly digits: number;
  readonly first?: number;
  readonly stretch?: number;
}

interface Target {
  readonly what: string;
  /** As the table says them. */
  readonly first: string;
  readonly stretch: string;
  readonly parts: readonly Part[];
}

const part = (seen: SeenName, better: 'more' | 'less', [first, stretch]: readonly [number | undefined, number | undefined], digits = 2): Part =>
  ({ seen, better, digits, ...(first === undefined ? {} : { first }), ...(stretch === undefined ? {} : { stretch }) });

/** What the bridge is meant to reach, on two cores that it shares with broker and load. */
const targets: readonly Target[] = [
  {
    what: 'uplinks/s, one process, local store, durable before 2xx, QoS 1, deduplicated, 10,000 devices, ChirpStack body of 1.1 KB: ratio to (a), and to (b)',
    first: '0.40 of (a)', stretch: '0.50 of (a) and above (b)', parts: [part('toBare', 'more', [0.4, 0.5]), part('toNaive', 'more', [undefined, 1])],
  },
  { what: 'the same with the Redis store: ratio to (a)', first: '0.35', stretch: '0.45', parts: [part('redisToBare', 'more', [0.35, 0.45])] },
  { what: 'CPU per uplink at 1,000/s, all threads, µs', first: '400', stretch: '250', parts: [part('cpuMicros', 'less', [400, 250], 0)] },
  {
    what: 'webhook → 2xx at 1,000/s: p50 / p99 / p99.9, ms',
    first: '3 / 10 / 30', stretch: '1.5 / 6 / 20', parts: [part('acceptP50', 'less', [3, 1.5]), part('acceptP99', 'less', [10, 6]), part('acceptP999', 'less', [30, 20], 1)],
  },
  { what: 'webhook → broker at 1,000/s, pacing off: p99, ms', first: '15', stretch: '8', parts: [part('arriveP99', 'less', [15, 8])] },
  {
    what: '900/s against enforced quotas: lost or discarded messages, closed sessions and growth of the backlog, counted together; the same at 950/s',
    first: '0 at 900/s', stretch: '0 at 950/s', parts: [part('quotaFaults', 'less', [0, 0], 0), part('quotaFaultsFaster', 'less', [undefined, 0], 0)],
  },
  { what: 'backlog drain, pacing off, 10,000 devices: ratio to (c)', first: '0.7', stretch: '0.9', parts: [part('drainToPublishAlone', 'more', [0.7, 0.9])] },
  { what: 'downlinks through the queue (stored → submitted), limit off: local / BullMQ, a second', first: '1,000', stretch: '3,000', parts: [part('downlinksLocal', 'more', [1_000, 3_000], 0), part('downlinksRedis', 'more', [1_000, 3_000], 0)] },
  {
    what: '1,000,000 known devices: throughput against 10,000, and RssAnon in MB',
    first: '0.85', stretch: '0.95, under 300 MB', parts: [part('millionToTenThousand', 'more', [0.85, 0.95]), part('millionRssAnonMb', 'less', [undefined, 300], 0)],
  },
  { what: 'start to ready: empty / 200 connections open, s', first: '0.8 / 10', stretch: '0.5 / 5', parts: [part('readySeconds', 'less', [0.8, 0.5]), part('openSeconds', 'less', [10, 5], 1)] },
  // Any figure is one that runs; whether two are worth it on two cores is for the reader.
  { what: 'two processes on one port (`--workers 2`), outbox on disk: throughput against one', first: 'runs', stretch: 'near-linear', parts: [part('twoWorkersToOne', 'more', [Number.MIN_VALUE, 1.8])] },
];

type Goal = 'first' | 'stretch';

/** Undefined where the part has no such goal, or nothing was seen. */
const reaches = ({ seen: name, better, ...goals }: Part, goal: Goal, seen: Seen): boolean | undefined => {
  const [bound, value] = [goals[goal], seen[name]];
  if (bound === undefined || value === undefined) return undefined;
  return better === 'more' ? value >= bound : value <= bound;
};

const isMet = (parts: readonly Part[], goal: Goal, seen: Seen): boolean => parts.every((part) => part[goal] === undefined || reaches(part, goal, seen) === true);

const verdictOf = ({ parts }: Target, seen: Seen): string => {
  if (parts.every(({ seen: name }) => seen[name] === undefined)) return 'not measured';
  if (isMet(parts, 'stretch', seen)) return 'stretch';
  if (isMet(parts, 'first', seen)) return 'first goal';
  return parts.some((part) => part.first !== undefined && seen[part.seen] === undefined) ? 'not measured whole' : 'no';
};

const figure = ({ seen: name, digits }: Part, seen: Seen): string => seen[name]?.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }) ?? '–';

/** A target, and what became of it. */
export interface Judged {
  readonly what: string;
  readonly first: string;
  readonly stretch: string;
  readonly seen: string;
  readonly met: string;
}

export const judge = (seen: Seen): readonly Judged[] =>
  targets.map((target) => ({ what: target.what, first: target.first, stretch: target.stretch, seen: target.parts.map((one) => figure(one, seen)).join(' / '), met: verdictOf(target, seen) }));
