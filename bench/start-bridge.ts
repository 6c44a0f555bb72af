import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startBridgeProgram, type Program } from '../test/end-to-end/support/program.js';
import { freePort, freePorts } from '../test/support/free-port.js';
import { bridgeFile, type BridgeOptions, type Listeners } from './bridge-config.js';
import { childrenOf } from './proc.js';
import { endProgram } from './broker.js';
import { rememberDevices } from './known-devices.js';
import { createPrivateSide, type PrivateSide } from './private-side.js';
import { plainEnvironment } from './plain-environment.js';
import type { BodyKind, Target } from './types.js';
import { webhookPath } from './webhook-path.js';

export type { BridgeOptions } from './bridge-config.js';

/** The built daemon as an operator runs it. */
export interface BridgeTarget extends Target {
  /** From the start of the process to the first /ready that is 200. */
  readonly readyMs: number;
  /** From the start of the process until every connection has a session with the broker. */
  readonly openMs: number;
  /** Folder of its file and its data. */
  readonly home: string;
  /** URL of the private listener, which needs no token; the first worker's where there are several. */
  readonly privateUrl: string;
  /** Messages that are accepted and not settled yet. */
  pending(): Promise<number>;
  /** The value of a series, such as `lpwan_bridge_outbox_pending_messages{connection="main"}`; of a name alone the sum of its series. Workers are added up. NaN when there is none. */
  metric(series: string): Promise<number>;
}

const startMs = 60_000;
/** Within it an outbox is to be empty. */
export const drainMs = 60_000;
/** Between two questions whether it is ready. */
const askEveryMs = 5;
/** Between two looks at the metrics of a bridge that works: to tell them costs it a millisecond or more. */
const lookEveryMs = 50;

interface Wait {
  /** In an error's words: the bridge did not … in time. */
  readonly what: string;
  readonly everyMs: number;
  readonly boundMs: number;
}

/** @throws when it is not so in time */
export const waitUntil = async (isSo: () => boolean | Promise<boolean>, { what, everyMs, boundMs }: Wait): Promise<void> => {
  const end = performance.now() + boundMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`the bridge did not ${what} in ${boundMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};

interface Place {
  readonly home: string;
  readonly file: string;
  readonly ports: Listeners;
}

const prepare = async (options: BridgeOptions): Promise<Place> => {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'bench-bridge-')));
  const ports = { ingress: await freePort(), private: await freePorts(options.workers ?? 1) };
  const file = join(home, 'bridge.yaml');
  await writeFile(file, stringify(bridgeFile(options, home, ports), { aliasDuplicateObjects: false }));
  await rememberDevices(options, join(home, 'data'));
  return { home, file, ports };
};

/** Waits until webhooks are taken and every connection stands. @throws when the process ends */
const untilOpen = async (program: Program, side: PrivateSide): Promise<Pick<BridgeTarget, 'readyMs' | 'openMs'>> => {
  const startedAt = performance.now();
  let over = false;
  const ended = program.ended.then((code) => {
    over = true;
    throw new Error(`the bridge ended (${String(code)}) before it was ready: ${program.output()}`);
  });
  const wait = async (isSo: () => Promise<boolean>, how: Omit<Wait, 'boundMs'>): Promise<number> => {
    await Promise.race([ended, waitUntil(() => over || isSo(), { ...how, boundMs: startMs })]);
    return performance.now() - startedAt;
  };
  const readyMs = await wait(() => side.isReady(), { what: 'become ready', everyMs: askEveryMs });
  return { readyMs, openMs: await wait(() => side.allOpen(), { what: 'open its connections', everyMs: lookEveryMs }) };
};

/** Starts one on loopback, with a file of its own (`bridgeFile`). Several may run beside each other. */
export const startBridge = async (options: BridgeOptions): Promise<BridgeTarget> => {
  const { home, file, ports } = await prepare(options);
  const { workers = 1 } = options;
  const side = createPrivateSide(Array.from({ length: workers }, (_, index) => ports.private + index));
  const program = startBridgeProgram(['start', '--config', file, '--workers', String(workers)], plainEnvironment());
  const stop = async (): Promise<void> => {
    await endProgram(program);
    if (options.home === undefined) await rm(home, { recursive: true, force: true });
  };
  try {
    const times = await untilOpen(program, side);
    return {
      ...times,
      name: `bridge, ${options.store}${workers === 1 ? '' : `, ${workers} workers`}`,
      pids: [program.pid, ...childrenOf(program.pid)],
      webhook: (body: BodyKind) => `http://127.0.0.1:${ports.ingress}${webhookPath(body)}`,
      headers: {},
      home,
      privateUrl: side.url,
      metric: side.metric,
      pending: side.pending,
      drained: () => waitUntil(async () => (await side.pending()) === 0, { what: 'empty its outbox', everyMs: lookEveryMs, boundMs: drainMs }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
