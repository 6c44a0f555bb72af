import { readdirSync, readFileSync } from 'node:fs';
import type { TestBridge } from '../test/end-to-end/support/bridge.js';

/** What a bridge holds at one moment. */
export interface Sample {
  /** Since the first, s. */
  readonly at: number;
  readonly rssAnonBytes: number;
  /** Open file descriptors of the process, without the connections of those who call it: how many the load keeps open comes and goes. */
  readonly descriptors: number;
  /** What keeps the event loop of Node busy: sockets, timers, requests under way; without those connections too. */
  readonly resources: number;
  /** Used JavaScript heap, with what is not collected yet. */
  readonly heapBytes: number;
}

/** How something changed over the part of the time that is looked at. */
export interface Trend {
  readonly first: number;
  readonly last: number;
  readonly mean: number;
  readonly highest: number;
  /** Least squares, of the unit an hour. */
  readonly perHour: number;
}

const rssAnonOf = (pid: number): number => Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;

const sumOf = (metrics: string, name: string): number =>
  metrics.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

const established = '01';

/** Established connections to the listeners of a bridge, as the kernel lists them on the side of the bridge (proc(5), `net/tcp`). */
const callersOf = ({ program }: TestBridge): number => {
  const ready = program.lines.find((line) => line['msg'] === 'ready');
  const ports = ['ingress', 'private'].map((name) => Number(new URL(String(ready?.[name])).port).toString(16).toUpperCase().padStart(4, '0'));
  const connections = readFileSync(`/proc/${program.pid}/net/tcp`, 'utf8').split('\n').map((text) => text.trim().split(/\s+/));
  return connections.filter(([, local = '', , state]) => state === established && ports.includes(local.slice(-4))).length;
};

/** @throws when the bridge is gone */
export const sampleOf = async (bridge: TestBridge, at: number): Promise<Sample> => {
  const { pid } = bridge.program;
  const { body } = await bridge.private('/metrics');
  const callers = callersOf(bridge);
  return { at, rssAnonBytes: rssAnonOf(pid), descriptors: readdirSync(`/proc/${pid}/fd`).length - callers, resources: sumOf(body, 'nodejs_active_resources') - callers, heapBytes: sumOf(body, 'nodejs_heap_size_used_bytes') };
};

/** The trend over the last two thirds: before them caches fill and code is compiled. */
export const trendOf = (samples: readonly Sample[], of: (sample: Sample) => number): Trend => {
  const last = samples.at(-1)?.at ?? 0;
  const looked = samples.filter(({ at }) => at >= last / 3);
  const values = looked.map(of);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = looked.reduce((sum, { at }) => sum + at, 0) / looked.length;
  const spread = looked.reduce((sum, { at }) => sum + (at - middle) ** 2, 0);
  const slope = looked.reduce((sum, { at }, index) => sum + (at - middle) * ((values[index] ?? 0) - mean), 0) / spread;
  return { first: values[0] ?? 0, last: values.at(-1) ?? 0, mean, highest: Math.max(...values), perHour: slope * 3_600 };
};
