import type { BridgeHome, TestBridge } from '../test/end-to-end/support/bridge.js';
import type { TestBroker } from '../test/end-to-end/support/broker.js';
import { expectBalance } from '../test/end-to-end/support/scenarios.js';
import type { SentinelGroup } from '../test/support/redis-sentinel.js';
import type { RedisServer } from '../test/support/redis-server.js';
import type { DownlinkTally } from './downlink-judge.js';
import type { Downlinks } from './downlink-stage.js';
import type { Proxy } from './proxy.js';
import type { Checks } from './stage-checks.js';
import type { OnClose, StageOptions } from './stage-options.js';
import { openParts } from './stage-parts.js';
import type { StageLoad, UplinkTally } from './stage-uplinks.js';

/** What a row saw so far. */
export interface Tally extends UplinkTally {
  /** Of any one process of a bridge. */
  readonly peakRssAnonBytes: number;
  /** Longest recovery of the row, ms; undefined when nothing was to recover from. */
  readonly recoveryMs: number | undefined;
  /** Absent where the row has no network servers with a downlink API. */
  readonly downlinks?: DownlinkTally;
  readonly failures: readonly string[];
  readonly remarks: readonly string[];
  /** Reasons for which publishes got no PUBACK, with how many, as the bridges of the end counted them. */
  readonly publishFailures: readonly string[];
}

/** A broker, a proxy before it, and the homes of bridges that reach the broker only through the proxy. */
export interface Stage extends Pick<Checks, 'check' | 'eventually' | 'remark'> {
  readonly broker: TestBroker;
  readonly proxy: Proxy;
  /** Throws when the row has none. */
  readonly redis: RedisServer;
  /** Where the options ask for them; else it throws. */
  readonly sentinels: SentinelGroup;
  /** Between the bridges and Redis, where `proxied` is set; else it throws. */
  readonly redisProxy: Proxy;
  readonly homes: readonly BridgeHome[];
  /** Of the first replica. */
  readonly home: BridgeHome;
  /** The last one started of each replica. */
  readonly bridges: readonly TestBridge[];
  /** Of the first replica. */
  readonly bridge: TestBridge;
  /** `env` is laid over the environment of the options. */
  start(replica?: number, env?: Readonly<Record<string, string>>): Promise<TestBridge>;
  /** Posts numbered uplinks; each load goes on where the numbers of the one before ended. Resolves with how many were answered 204. */
  readonly load: (options: StageLoad) => Promise<number>;
  /** The row itself posted a numbered uplink, and it was answered 204. */
  readonly accepted: (devEui: string, fCnt: number) => void;
  /** Numbered downlinks to the network servers of the options; throws when there are none. */
  readonly downlinks: Downlinks;
  /** Waits until everything accepted so far has arrived; notes a failure when that takes longer than the bound. */
  arrived(boundMs?: number): Promise<boolean>;
  /** Ends a fault by `heal`. Recovered is when everything accepted before has arrived, and every downlink sent before has ended. Notes a failure when that takes longer than the bound. */
  recover(heal: () => unknown, boundMs?: number): Promise<void>;
  /** The device's uplinks are expected among the parked ones, not at the broker. */
  readonly expectParked: (devEui: string) => void;
  /** What was promised and has not arrived counts as lost, and is waited for no longer; for rows that may lose. Gives how many. */
  readonly giveUp: () => number;
  /** Something that the row started ends with the stage. */
  readonly onClose: OnClose;
  /** Everything accepted arrived, and every downlink ended; the books of each bridge balance, and it stops by itself with code 0. Bridges that the row killed or stopped are not asked. */
  finish(): Promise<void>;
  tally(): Tally;
  close(): Promise<void>;
}

const arrivalBoundMs = 90_000;
const pendingSeries = 'lpwan_bridge_outbox_pending_messages{connection="main"}';

const present = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`the stage has no ${what}`);
  return value;
};

/** Ends everything that was noted, the last noted first, whatever fails. What is noted afterwards ends at once. */
const createEnd = (): { readonly onClose: OnClose; readonly close: () => Promise<void> } => {
  const ends: (() => unknown)[] = [];
  let closed = false;
  const endAll = async (): Promise<void> => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await Promise.resolve(end()).catch(() => undefined);
  };
  return {
    onClose(end) {
      ends.push(end);
      if (closed) void endAll();
    },
    close() {
      closed = true;
      return endAll();
    },
  };
};

/** `reason="publish_timeout"} 4`, for each reason that was counted. */
const publishFailuresOf = async (bridge: TestBridge): Promise<readonly string[]> => {
  const { body } = await bridge.private('/metrics');
  return [...body.matchAll(/^lpwan_bridge_publish_failures_total\{.*(reason="\w+").*\} ([1-9]\d*)$/gm)].map(([, reason, count]) => `${reason} ${count}`);
};

/** The end of a row for one bridge. */
const finishBridge = async (bridge: TestBridge, { check, eventually, asTest }: Checks): Promise<void> => {
  await eventually('an empty outbox', async () => (await bridge.metric(pendingSeries)) === 0, arrivalBoundMs);
  await expectBalance(asTest, bridge);
  const code = await bridge.stop();
  check(code === 0, `the bridge ended with ${String(code)} when it was stopped at the end`);
};

/**
 * @param opening Gets what ends the stage from outside, also while it is being opened.
 * @throws whatever keeps a part from starting; those before it are ended then
 */
export const openStage = async (options: StageOptions, opening: (close: () => Promise<void>) => void = () => undefined): Promise<Stage> => {
  const { onClose, close } = createEnd();
  opening(close);
  const { memory, broker, proxy, redis, replicas, checks, uplinks, downlinks } = await openParts(options, onClose).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  let recoveryMs: number | undefined;
  const publishFailures: string[] = [];
  return {
    broker,
    proxy,
    check: checks.check,
    eventually: checks.eventually,
    remark: checks.remark,
    load: uplinks.load,
    accepted: uplinks.accepted,
    expectParked: uplinks.expectParked,
    giveUp: uplinks.giveUp,
    homes: replicas.homes,
    home: present(replicas.homes[0], 'home'),
    onClose,
    close,
    get redis() {
      return present(redis, 'Redis').server;
    },
    get sentinels() {
      return present(redis?.sentinels, 'Sentinel');
    },
    get redisProxy() {
      return present(redis?.proxy, 'proxy before Redis');
    },
    get downlinks() {
      return present(downlinks, 'network server');
    },
    get bridges() {
      return replicas.bridges;
    },
    get bridge() {
      return replicas.bridge(0);
    },
    start: (replica = 0, env = {}) => replicas.start(replica, { ...options.env, ...env }),
    arrived: (boundMs = arrivalBoundMs) => uplinks.arrived(uplinks.promised(), boundMs),
    async recover(heal, boundMs = arrivalBoundMs) {
      const wanted = uplinks.promised();
      const toEnd = downlinks?.toEnd() ?? [];
      await heal();
      const healedAt = performance.now();
      await Promise.all([uplinks.arrived(wanted, boundMs), downlinks?.ended(toEnd, boundMs)]);
      recoveryMs = Math.max(recoveryMs ?? 0, performance.now() - healedAt);
    },
    async finish() {
      await uplinks.arrived(uplinks.promised(), arrivalBoundMs);
      await downlinks?.ended(downlinks.toEnd(), arrivalBoundMs);
      const standing = replicas.standing();
      checks.check(standing.length > 0, 'no bridge runs at the end');
      for (const bridge of standing) {
        publishFailures.push(...(await publishFailuresOf(bridge)));
        await finishBridge(bridge, checks);
      }
    },
    tally: () => ({ ...uplinks.tally(), peakRssAnonBytes: memory.peakBytes, recoveryMs, failures: checks.failures, remarks: checks.remarks, publishFailures, ...(downlinks === undefined ? {} : { downlinks: downlinks.tally() }) }),
  };
};
