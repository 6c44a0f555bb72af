import { randomBytes } from 'node:crypto';
import { apiKey, type TestBridge } from '../test/end-to-end/support/bridge.js';
import { startSandbox, type TestBroker } from '../test/end-to-end/support/broker.js';
import { openStageServers, type StageServers } from './downlink-servers.js';
import { createDownlinks, type Downlinks } from './downlink-stage.js';
import { watchMemory, type MemoryWatch } from './memory.js';
import { openProxy, type Proxy } from './proxy.js';
import { createChecks, type Checks } from './stage-checks.js';
import type { FileMaker, OnClose, StageOptions } from './stage-options.js';
import { openStageRedis, type StageRedis } from './stage-redis.js';
import { openReplicas, type Replicas } from './stage-replicas.js';
import { createUplinks, type Uplinks } from './stage-uplinks.js';

/** What a stage is made of. */
export interface StageParts {
  readonly memory: MemoryWatch;
  readonly broker: TestBroker;
  readonly proxy: Proxy;
  readonly redis: StageRedis | undefined;
  readonly replicas: Replicas;
  readonly checks: Checks;
  readonly uplinks: Uplinks;
  readonly downlinks: Downlinks | undefined;
}

interface Around {
  readonly redis: StageRedis | undefined;
  readonly servers: StageServers | undefined;
}

/** With Redis every replica needs the same key for secrets. */
const redisOfFile = (redis: StageRedis | undefined, key: string): object => (redis === undefined ? {} : { redis: redis.section, secrets: { key } });

/** The one that the uplinks of the load come from. */
const factory = { id: 'factory', kind: 'chirpstack', authenticate: { header: { name: 'x-api-key', value: apiKey } } };

const serversOfFile = (servers: StageServers | undefined): object => (servers === undefined ? {} : { networkServers: [factory, ...servers.entries] });

const isMaker = (file: object): file is FileMaker => typeof file === 'function';

const fileWriter = ({ file = {}, dataDir }: StageOptions, { redis, servers }: Around, onClose: OnClose) => {
  const key = randomBytes(32).toString('base64');
  return async (replica: number): Promise<object> => ({
    ...redisOfFile(redis, key),
    ...serversOfFile(servers),
    ...(dataDir === undefined ? {} : { dataDir: typeof dataDir === 'string' ? dataDir : dataDir(replica) }),
    ...(isMaker(file) ? await file(replica, onClose) : file),
  });
};

/** Opens everything but the bridges. Each part ends with `onClose`. */
export const openParts = async (options: StageOptions, onClose: OnClose): Promise<StageParts> => {
  const { startBroker = () => startSandbox(), configuration = {}, redis: redisOptions, networkServers, replicas: count = 1 } = options;
  const memory = watchMemory();
  onClose(() => memory.stop());
  const broker = await startBroker();
  onClose(() => broker.stop());
  const proxy = await openProxy(Number(broker.endpoint.split(':')[1]));
  onClose(() => proxy.close());
  const redis = redisOptions === undefined ? undefined : await openStageRedis(redisOptions === true ? {} : redisOptions, onClose);
  let standing = (): readonly TestBridge[] => [];
  const servers = networkServers === undefined ? undefined : await openStageServers(networkServers, () => standing()[0], onClose);
  const started = ({ program }: TestBridge): void => memory.watch(program.pid);
  const replicas = await openReplicas({ count, broker: { ...broker, endpoint: `localhost:${proxy.port}` }, configuration, fileOf: fileWriter(options, { redis, servers }, onClose), started }, onClose);
  standing = () => replicas.standing();
  const checks = createChecks();
  const uplinks = createUplinks({ received: broker.received, checks, bridge: replicas.bridge });
  const downlinks = servers === undefined ? undefined : createDownlinks({ broker, servers, checks, standing });
  return { memory, broker, proxy, redis, replicas, checks, uplinks, downlinks };
};
