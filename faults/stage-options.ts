import type { TestBroker } from '../test/end-to-end/support/broker.js';
import type { DownlinkApi } from '../test/end-to-end/support/downlink-api.js';
import type { RedisServerOptions } from '../test/support/redis-server.js';

/** Of the connection, for rows that are about many reconnects and not about the pauses between them. */
export const quickReconnects = { reconnect: { min: '50ms', max: '200ms' } };

/** Notes what has to end with the stage; the last noted ends first. */
export type OnClose = (end: () => unknown) => void;

export interface StageRedisOptions extends RedisServerOptions {
  /** The bridges reach Redis only through `stage.redisProxy`. */
  readonly proxied?: boolean;
  /** A primary with a replica behind three Sentinels, which the bridges ask (`stage.sentinels`); `stage.redis` is the first primary. */
  readonly sentinel?: boolean;
}

/** A network server with a downlink API beside the bridge. */
export interface StageServerOptions {
  readonly api: DownlinkApi;
  /** Settings of its `downlink` in the configuration. */
  readonly downlink?: object;
  /** Made through the API of the bridge (`stage.downlinks.make`), not in its file. */
  readonly throughApi?: boolean;
}

/** Makes more of one replica's configuration file. */
export type FileMaker = (replica: number, onClose: OnClose) => object | Promise<object>;

/** What a row needs before it begins. */
export interface StageOptions {
  /** Default: the sandbox, with AWS's quotas. */
  readonly startBroker?: () => Promise<TestBroker>;
  /** Settings of the connection `main`. */
  readonly configuration?: object;
  /** A redis-server of its own, which the file of every bridge names. */
  readonly redis?: true | StageRedisOptions;
  /** Bridges on the same broker and Redis, each with a data directory of its own. Default 1. */
  readonly replicas?: number;
  /** More of the configuration file, over what the stage writes. */
  readonly file?: object | FileMaker;
  /** Laid over the environment of every bridge, such as `NODE_OPTIONS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the outbox lies, in place of a temporary folder; it is the row's to remove. */
  readonly dataDir?: string | ((replica: number) => string);
  /** In place of those of `bridgeConfig` but for `factory`, by id. */
  readonly networkServers?: Readonly<Record<string, StageServerOptions>>;
}
