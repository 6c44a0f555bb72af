import { randomUUID } from 'node:crypto';
import type { Worker } from 'bullmq';
import { BridgeError } from '../../errors.js';
import { within, type Deadline } from '../../lifecycle.js';
import type { Logger } from '../../log.js';
import type { DownlinkStore, QueueWork } from '../../downlink/ports.js';
import type { ThingMemory } from '../../uplink/ports.js';
import { createDeviceLists } from './device-lists.js';
import { createDeviceTurns, type DeviceTurns, type TurnEnd } from './device-turns.js';
import * as device from './device-scripts.js';
import * as intake from './intake-scripts.js';
import { hashTag } from './keys.js';
import * as memory from './memory-scripts.js';
import { createRedisDevices } from './redis-devices.js';
import { createRedisLives } from './redis-lives.js';
import { openRedisLink } from './redis-link.js';
import { redisAddressOf, type RedisReach } from './redis-options.js';
import { createRedisQueue } from './redis-queue.js';
import { createRedisSubmitted } from './redis-submitted.js';
import { createRedisThings } from './redis-things.js';
import * as turn from './turn-scripts.js';
import { openWakeUps } from './wake-ups.js';
import { startWakeUpWorker } from './wake-up-worker.js';
import { createWorkerKeeper, type WorkerKeeper } from './worker-keeper.js';

export interface RedisDownlinksOptions extends RedisReach {
  /** Begins all keys; bridges with the same prefix share one queue. */
  readonly keyPrefix?: string;
  readonly ratePerSecond: (connectionId: string) => number;
  /** How long what was submitted is remembered, ms. */
  readonly reportWindowMs: number;
  readonly logger: Logger;
}

/** Times that tests shorten. */
export interface RedisTuning {
  /** How long the work of a process that vanished stays its own, ms. */
  readonly lockMs: number;
  /** Between two searches for devices whose wake-up was lost, ms. */
  readonly sweepMs: number;
  /** Between two looks at Redis, ms. */
  readonly watchMs: number;
  /** See WorkerKeeperOptions. */
  readonly stuckMs: number;
  /** Between two writes of the devices' latest messages, ms. */
  readonly activityMs: number;
  /** Sees each worker of BullMQ that is started. */
  readonly onWorker?: (worker: Worker) => void;
}

const defaults: RedisTuning = { lockMs: 15_000, sweepMs: 10_000, watchMs: 1_000, stuckMs: 10_000, activityMs: 60_000 };

/** A device whose moment is nearer than this waits for it within the process; a sleep in Redis ends this much earlier but one third. */
const patienceMs = 150;
const earlyMs = 100;
/** A sleep that is shorter ends before anything could shorten it, ms. */
const shortSleepMs = 250;

const scripts = [intake, turn, memory, device].flatMap((module) => Object.values(module));

/**
 * Opens the downlink store on Redis. While Redis does not answer, it is open all the same: everything throws and `problem` says why, until Redis comes.
 * @throws BridgeError redis_unsafe when Redis answers and its settings may lose downlinks; config_invalid when the URL is none
 */
export const openRedisDownlinks = async (options: RedisDownlinksOptions, tuning: Partial<RedisTuning> = {}): Promise<DownlinkStore & { readonly things: ThingMemory }> => {
  const { ratePerSecond, reportWindowMs, logger } = options;
  const { lockMs, sweepMs, watchMs, stuckMs, activityMs, onWorker } = { ...defaults, ...tuning };
  const address = redisAddressOf(options);
  const tag = hashTag(options.keyPrefix ?? 'lpwan-bridge');
  const link = await openRedisLink({ address, tag, scripts, watchMs, logger });
  const unsafe = link.problem();
  if (unsafe?.reason === 'redis_unsafe') {
    link.close();
    throw new BridgeError('redis_unsafe', { detail: unsafe.detail });
  }
  const wakeUps = openWakeUps({ link, tag, sweepMs });
  const lists = createDeviceLists({ link, token: randomUUID(), ratePerSecond, lockMs, patienceMs });
  const devices = createRedisDevices({ link, logger, activityMs });
  const lives = createRedisLives({ link, tag, logger });
  const things = createRedisThings({ link, tag, logger });
  const flush = async (): Promise<void> => void (await Promise.all([devices, lives, things].map((memories) => memories.flush())));
  let turns: DeviceTurns | undefined;
  let keeper: WorkerKeeper | undefined;
  let closing: Promise<void> | undefined;

  /** BullMQ drops a wake-up that comes while one is under way or asleep, so each end looks again at what waits. */
  const ended = async (deviceKey: string, end: TurnEnd | 'failed'): Promise<void> => {
    if (end === 'failed') return wakeUps.wake(deviceKey, { delayMs: 1_000 });
    if (end !== 'empty' && (end.for === undefined || end.sleepMs <= shortSleepMs)) return;
    const head = await lists.head(deviceKey).catch(() => undefined);
    if (head === undefined) return;
    if (end === 'empty') await wakeUps.wake(deviceKey);
    else if (head.sequence !== end.for) await wakeUps.wake(deviceKey, { early: true });
  };

  const start = (work: QueueWork): void => {
    if (keeper !== undefined || closing !== undefined) return;
    const taken = createDeviceTurns({ lists, work, lockMs, earlyMs });
    turns = taken;
    const startWorker = () => startWakeUpWorker({ address, tag, turns: taken, ended, lockMs, onWorker });
    keeper = createWorkerKeeper({ link, tag, start: startWorker, started: () => { void wakeUps.sweep(); }, stuckMs, logger });
    if (link.isUp()) keeper.changed(true);
  };

  link.onChange((up) => {
    keeper?.changed(up);
    if (up) void flush();
  });

  const closeAll = async (deadline: Deadline): Promise<void> => {
    turns?.stop();
    await keeper?.close(deadline, async () => { await turns?.abandon(); });
    turns?.close();
    await within(deadline, flush());
    devices.close();
    await wakeUps.close().catch(() => undefined);
    link.close();
  };

  return {
    queue: { ...createRedisQueue({ link, tag, wakeUps, ratePerSecond, reportWindowMs, isClosing: () => closing !== undefined }), start },
    submitted: createRedisSubmitted(link, tag, reportWindowMs),
    devices,
    lives,
    things,
    problem: () => link.problem(),
    close(deadline) {
      closing ??= closeAll(deadline);
      return closing;
    },
  };
};
