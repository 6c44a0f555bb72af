/** What the parts of the benchmark hand to each other. Times are ms unless a name says otherwise. */

export type BodyKind = 'chirpstack' | 'the-things-stack' | 'thingpark' | 'thingpark-xml' | 'sigfox';

/** One run of the load generator, a process of its own. */
export interface LoadOptions {
  /** Where it posts: the webhook of a network server. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: BodyKind;
  /** How many devices take turns. */
  readonly devices: number;
  /** HTTP connections kept open. */
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second altogether; absent: as fast as it goes. */
  readonly rate?: number;
  /** Each message is posted twice, the second time right after the first. */
  readonly twice?: boolean;
  /** Frame counters begin here: what was sent to this target before is below it. */
  readonly firstFrame?: number;
  /** The device that begins; default 0. */
  readonly firstDevice?: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadResult {
  readonly answered: number;
  /** Answers other than 2xx. */
  readonly refused: number;
  /** Requests without an answer. */
  readonly broken: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Request to 2xx; at a fixed rate counted from when the request was due. */
  readonly latencyMs: Percentiles;
  /** Share of one core that the generator used, 0 to 1 and above. */
  readonly generatorCores: number;
  /** The next free frame counter. */
  readonly nextFrame: number;
}

/** What is under load. */
export interface Target {
  readonly name: string;
  /** The processes that it consists of. */
  readonly pids: readonly number[];
  /** Webhook URL for a body. */
  webhook(body: BodyKind): string;
  readonly headers: Readonly<Record<string, string>>;
  /** Resolves when nothing waits in it any more; bounded. */
  drained(): Promise<void>;
  stop(): Promise<void>;
}

/** What the processes of a target used between two moments. */
export interface Usage {
  readonly cpuMicros: number;
  /** Of the largest of them. */
  readonly peakRssAnonBytes: number;
  /** As far as the kernel counts them for a process. */
  readonly writtenBytes: number;
  readonly readWriteCalls: number;
}

/** What the far side of the broker saw in a window. */
export interface Arrivals {
  readonly count: number;
  readonly perSecond: number;
  /** From the moment the load generator made the message to its arrival at the subscriber. */
  readonly latencyMs: Percentiles;
}

/** One measured case: medians over its rounds. */
export interface Measured {
  readonly name: string;
  readonly perSecond: number;
  readonly ratioToBare?: number;
  readonly ratioToNaive?: number;
  readonly ratioToPublishAlone?: number;
  readonly ratioToStoreAlone?: number;
  readonly ratioToLeast?: number;
  readonly cpuMicrosPerUplink?: number;
  readonly acceptMs?: Percentiles;
  readonly arriveMs?: Percentiles;
  readonly peakRssAnonBytes?: number;
  readonly writtenBytesPerUplink?: number;
  readonly callsPerUplink?: number;
  readonly generatorCores?: number;
  /** CPU of the broker, and of Redis where it is used. */
  readonly helperMicrosPerUplink?: number;
  /** One remark in plain words. */
  readonly remark?: string;
}
