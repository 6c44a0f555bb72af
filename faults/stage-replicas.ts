import { createHome, type BridgeHome, type TestBridge } from '../test/end-to-end/support/bridge.js';
import type { TestBroker } from '../test/end-to-end/support/broker.js';
import type { OnClose } from './stage-options.js';

/** The homes of a stage's bridges, and the bridges that run in them. */
export interface Replicas {
  readonly homes: readonly BridgeHome[];
  /** The last one started of each; throws for one that was never started. */
  readonly bridge: (replica: number) => TestBridge;
  /** The last ones started, in the order of their homes. */
  readonly bridges: readonly TestBridge[];
  /** Those that the row neither killed nor stopped; one that ended by itself is among them. */
  standing(): readonly TestBridge[];
  start(replica: number, env: Readonly<Record<string, string>>): Promise<TestBridge>;
}

export interface ReplicasOptions {
  readonly count: number;
  /** As the bridges see it. */
  readonly broker: TestBroker;
  readonly configuration: object;
  readonly fileOf: (replica: number) => Promise<object>;
  readonly started: (bridge: TestBridge) => void;
}

export const openReplicas = async ({ count, broker, configuration, fileOf, started }: ReplicasOptions, onClose: OnClose): Promise<Replicas> => {
  const homes: BridgeHome[] = [];
  const last = new Map<number, TestBridge>();
  const ended = new WeakSet<TestBridge>();

  for (let replica = 0; replica < count; replica += 1) {
    const home = await createHome(broker, configuration, await fileOf(replica));
    onClose(() => home.remove());
    homes.push(home);
  }

  const noting = (plain: TestBridge): TestBridge => {
    const bridge: TestBridge = {
      ...plain,
      kill() {
        ended.add(bridge);
        return plain.kill();
      },
      stop() {
        ended.add(bridge);
        return plain.stop();
      },
    };
    return bridge;
  };
  const bridges = (): readonly TestBridge[] => [...last].sort(([a], [b]) => a - b).map(([, bridge]) => bridge);

  return {
    homes,
    bridge(replica) {
      const bridge = last.get(replica);
      if (bridge === undefined) throw new Error(`no bridge ${replica} was started`);
      return bridge;
    },
    get bridges() {
      return bridges();
    },
    standing: () => bridges().filter((bridge) => !ended.has(bridge)),
    async start(replica, env) {
      const home = homes[replica];
      if (home === undefined) throw new Error(`the stage has no replica ${replica}`);
      const bridge = noting(await home.start(env));
      onClose(() => bridge.kill());
      started(bridge);
      last.set(replica, bridge);
      return bridge;
    },
  };
};
