import type { Test } from 'tap';
import { createHome, type BridgeHome, type TestBridge } from '../test/end-to-end/support/bridge.js';
import { startSandbox, type TestBroker } from '../test/end-to-end/support/broker.js';
import { countOf, devEuiOf, judge, runLoad, type Accepted, type LoadOptions, type Verdict } from '../test/end-to-end/support/load.js';
import { expectBalance } from '../test/end-to-end/support/scenarios.js';
import { watchMemory } from './memory.js';
import { openProxy, type Proxy } from './proxy.js';

/** What a row needs before it begins. */
export interface StageOptions {
  /** Default: the sandbox, with AWS's quotas. */
  readonly startBroker?: () => Promise<TestBroker>;
  /** Settings of the connection `main`. */
  readonly configuration?: object;
}

/** What a row saw so far. */
export interface Tally extends Verdict {
  readonly sent: number;
  readonly delivered: number;
  readonly parked: number;
  readonly peakRssAnonBytes: number;
  /** Longest recovery of the row, ms; undefined when nothing was to recover from. */
  readonly recoveryMs: number | undefined;
  readonly failures: readonly string[];
  readonly remarks: readonly string[];
}

/** A broker, a proxy before it and the home of a bridge that reaches the broker only through the proxy. */
export interface Stage {
  readonly broker: TestBroker;
  readonly proxy: Proxy;
  readonly home: BridgeHome;
  /** The bridge that runs now. */
  readonly bridge: TestBridge;
  start(): Promise<TestBridge>;
  /** Posts numbered uplinks; each load goes on where the numbers of the one before ended. Resolves with how many were answered 204. */
  load(options: Omit<LoadOptions, 'from'>): Promise<number>;
  /** Ends a fault by `heal`. Recovered is when everything accepted before has arrived. @throws when that takes longer than the bound */
  recover(heal: () => unknown, boundMs?: number): Promise<void>;
  /** The device's uplinks are expected among the parked ones, not at the broker. */
  expectParked(devEui: string): void;
  /** Notes a failure unless it is so. */
  check(isSo: boolean, failure: string): void;
  /** Waits for it; notes a failure when it is not so in time. */
  eventually(what: string, isSo: () => boolean | Promise<boolean>, boundMs?: number): Promise<boolean>;
  /** A figure for the report. */
  remark(text: string): void;
  /** Everything accepted arrived, the books balance, the bridge stops by itself with code 0. */
  finish(): Promise<void>;
  tally(): Tally;
  close(): Promise<void>;
}

const askEveryMs = 25;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const arrivalBoundMs = 90_000;

/** The checks of the tests, told to the tally in place of a test. */
const asTest = (check: (isSo: boolean, failure: string) => void): Test => {
  const checks = {
    ok: (isSo: unknown, text: string) => check(Boolean(isSo), text),
    equal: (one: unknown, other: unknown, text: string) => check(one === other, `${text}: ${String(one)} is not ${String(other)}`),
  };
  return checks as unknown as Test;
};

const copyOf = (accepted: Accepted): Accepted => new Map([...accepted].map(([devEui, list]) => [devEui, [...list]]));

export const openStage = async ({ startBroker = () => startSandbox(), configuration = {} }: StageOptions): Promise<Stage> => {
  const memory = watchMemory();
  const accepted: Accepted = new Map();
  const parkedDevices = new Set<string>();
  const failures: string[] = [];
  const remarks: string[] = [];
  const bridges: TestBridge[] = [];
  let sent = 0;
  let nextFCnt = 0;
  let recoveryMs: number | undefined;

  const broker = await startBroker();
  const proxy = await openProxy(Number(broker.endpoint.split(':')[1]));
  const home = await createHome({ ...broker, endpoint: `localhost:${proxy.port}` }, configuration);

  const current = (): TestBridge => {
    const bridge = bridges.at(-1);
    if (bridge === undefined) throw new Error('no bridge was started');
    return bridge;
  };
  const take = (devEui: string, fCnt: number): void => {
    const list = accepted.get(devEui);
    if (list === undefined) accepted.set(devEui, [fCnt]);
    else list.push(fCnt);
  };
  const check = (isSo: boolean, failure: string): void => void (isSo || failures.push(failure));

  const eventually: Stage['eventually'] = async (what, isSo, boundMs = 20_000) => {
    const end = performance.now() + boundMs;
    while (!(await isSo())) {
      if (performance.now() > end) {
        failures.push(`not in ${boundMs} ms: ${what}`);
        return false;
      }
      await pause(askEveryMs);
    }
    return true;
  };

  /** Without the devices whose uplinks are to be parked. */
  const toArrive = (): Accepted => copyOf(new Map([...accepted].filter(([devEui]) => !parkedDevices.has(devEui))));
  const parkedCount = (): number => [...parkedDevices].reduce((sum, devEui) => sum + (accepted.get(devEui)?.length ?? 0), 0);

  const arrived = async (wanted: Accepted, boundMs: number): Promise<boolean> => {
    const total = countOf(wanted);
    let seen = -1;
    return eventually(`the arrival of all ${total} accepted`, () => {
      const { all } = broker.received;
      if (all.length < total || all.length === seen) return false;
      seen = all.length;
      return judge(wanted, all).lost === 0;
    }, boundMs);
  };

  return {
    broker,
    proxy,
    home,
    get bridge() {
      return current();
    },
    async start() {
      const bridge = await home.start();
      memory.watch(bridge.program.pid);
      bridges.push(bridge);
      return bridge;
    },
    async load(options) {
      const { devices, count, answered } = options;
      const from = nextFCnt;
      nextFCnt += Math.ceil(count / devices);
      // Noted at each answer: what a load that goes on was promised counts too.
      const note = (index: number, status: number): void => {
        sent += 1;
        if (status === 204) take(devEuiOf(index % devices), from + Math.floor(index / devices));
        answered?.(index, status);
      };
      return countOf(await runLoad(current(), { ...options, from, answered: note }));
    },
    async recover(heal, boundMs = arrivalBoundMs) {
      const wanted = toArrive();
      await heal();
      const healedAt = performance.now();
      await arrived(wanted, boundMs);
      recoveryMs = Math.max(recoveryMs ?? 0, performance.now() - healedAt);
    },
    expectParked: (devEui) => void parkedDevices.add(devEui),
    check,
    eventually,
    remark: (text) => void remarks.push(text),
    async finish() {
      const bridge = current();
      await arrived(toArrive(), arrivalBoundMs);
      await eventually('an empty outbox', async () => (await bridge.metric('lpwan_bridge_outbox_pending_messages{connection="main"}')) === 0, arrivalBoundMs);
      await expectBalance(asTest(check), bridge);
      const code = await bridge.stop();
      check(code === 0, `the bridge ended with ${String(code)} when it was stopped at the end`);
    },
    tally() {
      const verdict = judge(toArrive(), broker.received.all);
      return { ...verdict, accepted: countOf(accepted), sent, delivered: countOf(toArrive()) - verdict.lost, parked: parkedCount(), peakRssAnonBytes: memory.peakBytes, recoveryMs, failures, remarks };
    },
    async close() {
      memory.stop();
      await Promise.allSettled(bridges.map((bridge) => bridge.kill()));
      await proxy.close();
      await broker.stop();
      await home.remove();
    },
  };
};
