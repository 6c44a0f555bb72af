import { BridgeError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { StoreProblem } from '../../downlink/ports.js';
import { missingRights } from './permissions.js';
import { onTrouble, ownerOf, type ClientOptions, type RedisClient } from './redis-client.js';
import type { RedisAddress } from './redis-options.js';
import { syncPolicyOf, unsafeSetting } from './safety.js';
import { callScript, loadScripts, type Argument, type Script } from './script.js';

/** One connection for commands, and the truth about Redis. Nothing waits for it: what cannot be done now fails. */
export interface RedisLink {
  /** Fails at once while Redis is away or unsafe, and otherwise within `commandTimeoutMs`. @throws BridgeError `failure` of the options */
  run<T>(command: (client: RedisClient) => Promise<T>): Promise<T>;
  /** Runs a script on the keys of the bridge. @throws as `run` */
  call(script: Script, ...args: readonly Argument[]): Promise<unknown>;
  readonly client: RedisClient;
  isUp(): boolean;
  problem(): StoreProblem | undefined;
  /** `always`, `everysec` or `no`: when Redis writes what it took to its disk. `undefined` when it may not be asked, or did not answer yet. */
  appendfsync(): string | undefined;
  /** Called at each change between usable and not, in the order in which the listeners came. */
  onChange(listener: (up: boolean) => void): void;
  close(): void;
}

export interface RedisLinkOptions {
  readonly address: RedisAddress;
  /** What all keys begin with, braces included. */
  readonly tag: string;
  readonly scripts: readonly Script[];
  readonly watchMs: number;
  /** The reason of every failure; `store_unavailable` when absent. */
  readonly failure?: 'store_unavailable' | 'redis_unavailable';
  readonly logger: Logger;
}

/** Longest wait for the answer to a command, ms. */
const commandTimeoutMs = 1_500;
/** A connection that owes an answer for so long is dead, whatever TCP thinks, ms. */
const socketTimeoutMs = 5_000;
/** How long opening waits for Redis before it goes on without, ms. */
const firstAnswerMs = 3_000;
/** The settings are checked at every connect and after so many good probes: someone may change them while Redis runs. */
const probesPerCheck = 30;

const commandOptions: ClientOptions = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: commandTimeoutMs,
  socketTimeout: socketTimeoutMs,
  // The Sentinels tell of a failover, so that nothing is written to a former primary that comes to itself.
  failoverDetector: true,
  // Nor is its answer waited for.
  disconnectTimeout: 0,
};

type Finding = Pick<StoreProblem, 'reason' | 'detail'> | undefined;

const unavailable = (why: string): Finding => ({ reason: 'redis_unavailable', detail: why });

/** Connects, and resolves when Redis was found safe or unsafe, or did not answer in time. Never throws. */
export const openRedisLink = async ({ address, tag, scripts, watchMs, failure = 'store_unavailable', logger }: RedisLinkOptions): Promise<RedisLink> => {
  const client = address.connect(commandOptions);
  let problem: StoreProblem | undefined = { reason: 'redis_unavailable', detail: 'not connected yet', since: Date.now() };
  let lastError = 'not connected';
  let syncPolicy: string | undefined;
  let probesSinceCheck = probesPerCheck;
  const listeners: ((up: boolean) => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let probing = false;
  let closed = false;
  let opening = true;
  let firstFinding: () => void = () => undefined;

  const tell = (finding: Finding, before: StoreProblem | undefined): void => {
    if (finding?.reason === before?.reason || (opening && finding?.reason === 'redis_unavailable')) return;
    if (finding === undefined) logger.info('redis is usable');
    else logger.warn({ reason: finding.reason, detail: finding.detail }, 'redis cannot be used');
  };

  /** Takes over what was found; a change is said once, however often it is found. */
  const found = (finding: Finding): void => {
    const before = problem;
    problem = finding === undefined ? undefined : { ...finding, since: before?.reason === finding.reason ? before.since : Date.now() };
    tell(finding, opening ? undefined : before);
    if ((before === undefined) !== (finding === undefined)) for (const listener of listeners) listener(finding === undefined);
    if (finding?.reason !== 'redis_unavailable') firstFinding();
  };

  const check = async (): Promise<Finding> => {
    const server = ownerOf(client, tag);
    const missing = await missingRights(server, tag, client.isCluster);
    if (missing !== undefined) return unavailable(missing);
    const detail = unsafeSetting(await server.info());
    if (detail !== undefined) return { reason: 'redis_unsafe', detail };
    syncPolicy = await syncPolicyOf(server);
    await loadScripts(server, scripts);
    probesSinceCheck = 0;
    return undefined;
  };

  /** A write, not a PING: a full disk, a full memory or a replica answer PING as if all were well. */
  const write = async (): Promise<void> => {
    await client.set(`${tag}:alive`, '1', 'PX', 60_000);
    probesSinceCheck += 1;
  };

  const look = async (): Promise<Finding> => {
    if (client.status !== 'ready') return unavailable(lastError);
    try {
      const finding = probesSinceCheck >= probesPerCheck ? await check() : undefined;
      if (finding === undefined) await write();
      return finding;
    } catch (error) {
      return unavailable(address.describe(error));
    }
  };

  const probe = async (): Promise<void> => {
    if (probing || closed) return;
    clearTimeout(timer);
    probing = true;
    const finding = await look();
    probing = false;
    if (closed) return;
    // The connection may have closed while the answer was under way.
    found(finding === undefined && client.status !== 'ready' ? unavailable(lastError) : finding);
    timer = setTimeout(() => { void probe(); }, watchMs);
  };

  onTrouble(client, (error) => { lastError = address.describe(error); });
  client.on('ready', () => {
    lastError = 'the connection closed';
    void probe();
  });
  client.on('close', () => {
    probesSinceCheck = probesPerCheck;
    if (!closed && problem === undefined) found(unavailable(lastError));
  });

  const run = async <T>(command: (client: RedisClient) => Promise<T>): Promise<T> => {
    if (problem !== undefined) throw new BridgeError(failure, { detail: problem.detail });
    try {
      return await command(client);
    } catch (error) {
      throw new BridgeError(failure, { detail: address.describe(error) });
    }
  };

  await new Promise<void>((resolve) => {
    const limit = setTimeout(resolve, firstAnswerMs);
    firstFinding = () => {
      clearTimeout(limit);
      resolve();
    };
    void probe();
  });
  opening = false;
  if (problem?.reason === 'redis_unavailable') logger.warn({ reason: problem.reason, detail: problem.detail }, 'redis cannot be used');

  return {
    run,
    call: (script, ...args) => run((redis) => callScript(redis, script, [`${tag}:`, ...args])),
    client,
    isUp: () => problem === undefined,
    problem: () => problem,
    appendfsync: () => syncPolicy,
    onChange: (listener) => void listeners.push(listener),
    close() {
      closed = true;
      clearTimeout(timer);
      client.disconnect();
    },
  };
};
