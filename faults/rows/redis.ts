import { Redis } from 'ioredis';
import { correlationIdOf } from '../../test/end-to-end/support/downlinks.js';
import { at } from '../../test/end-to-end/support/load.js';
import type { SentinelGroup } from '../../test/support/redis-sentinel.js';
import type { RedisServer } from '../../test/support/redis-server.js';
import { endMisbehaviour } from '../bridge-checks.js';
import type { Form, Row } from '../row.js';
import type { StageOptions, StageRedisOptions } from '../stage-options.js';
import type { Stage } from '../stage.js';

/** Where the accepted uplinks wait. */
export type OutboxPlace = 'disk' | 'redis';

const uplinks = { devices: 20, perSecond: 40, parallel: 20 };
const downlinks = { devices: 10, perSecond: 10 };
/** From the begin of the load until things pile up in Redis, and from there until the fault, ms. */
const beforeMs = 1_000;
const pilingMs = 800;
/** So that uplinks wait in the outbox. */
const slowAws = { action: 'delay-puback', delayMs: 300 } as const;

const stageOf = (place: OutboxPlace, redis: StageRedisOptions = {}): StageOptions => ({
  redis,
  networkServers: { server: { api: 'chirpstack', downlink: { attempts: 1_000 } } },
  ...(place === 'redis' ? { file: { outbox: { store: 'redis' } } } : {}),
});

const isHealthy = (stage: Stage): Promise<boolean> => stage.eventually('all is well', async () => (JSON.parse((await stage.bridge.private('/health')).body) as { status?: string }).status === 'ok');

const namesRedis = (stage: Stage): Promise<boolean> => stage.eventually('the health names Redis', async () => /redis/i.test((await stage.bridge.private('/health')).body));

/** Downlinks wait in Redis from now on, and uplinks in the outbox. */
const pileUp = async (stage: Stage): Promise<void> => {
  stage.downlinks.server('server').behave({ do: 'refuse', status: 503 });
  await stage.broker.control({ do: 'misbehave', rules: [slowAws] });
};

const letGo = async (stage: Stage): Promise<void> => {
  stage.downlinks.server('server').behave({ do: 'take' });
  await endMisbehaviour(stage);
};

const recover = (stage: Stage, heal: () => Promise<unknown> | void): Promise<void> =>
  stage.recover(async () => {
    await heal();
    await letGo(stage);
  });

/** A bridge under uplinks and downlinks for so long; both wait when the fault comes. With the outbox on disk no webhook notices. */
const underLoad = async (stage: Stage, place: OutboxPlace, seconds: number, fault: () => Promise<unknown>): Promise<void> => {
  await stage.start();
  stage.downlinks.orderAsQueued();
  await stage.downlinks.hear(downlinks.devices);
  await isHealthy(stage);
  const count = uplinks.perSecond * seconds;
  const statuses = new Map<number, number>();
  const posted = stage.load({ ...uplinks, count, answered: (_index, status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1) });
  const sent = stage.downlinks.send({ to: 'server', count: downlinks.perSecond * seconds, perSecond: downlinks.perSecond });
  await at(performance.now() + beforeMs);
  await pileUp(stage);
  await at(performance.now() + pilingMs);
  await fault();
  const refused = count - (await posted);
  await sent;
  if (refused > 0) stage.remark(`${refused} webhooks were answered ${[...statuses.keys()].filter((status) => status !== 204).join(', ')}`);
  stage.check(place === 'redis' || refused === 0, `${refused} webhooks were not answered 204`);
  stage.check([...statuses.keys()].every((status) => status === 204 || status === 503), `webhooks were answered ${[...statuses.keys()].join(', ')}`);
};

const rounds: Readonly<Record<Form, number>> = { quick: 1, long: 5 };

const inRounds = async (stage: Stage, form: Form, round: () => Promise<void>): Promise<void> => {
  for (let number = 0; number < rounds[form]; number += 1) {
    if (number > 0) await pileUp(stage);
    await round();
  }
};

/** Named with the place of the outbox where it is Redis. */
const nameOf = (name: string, place: OutboxPlace): string => (place === 'redis' ? `${name}-outbox` : name);
const faultOf = (fault: string, place: OutboxPlace): string => `${fault}, under uplinks and downlinks; outbox ${place === 'redis' ? 'in Redis' : 'on disk'}`;

const row = (place: OutboxPlace, { name, fault, ...rest }: Omit<Row, 'duplicates' | 'stage'> & Partial<Row>): Row => ({
  name: nameOf(name, place),
  fault: faultOf(fault, place),
  stage: stageOf(place),
  // What was delivered while Redis could not note it.
  duplicates: place === 'redis' ? 'unavoidable' : 'none',
  ...rest,
});

const restarted = (place: OutboxPlace): Row => row(place, {
  name: 'redis-restarted',
  fault: 'Redis restarted in good order (SHUTDOWN), 5 times (quick: once)',
  boundSeconds: { quick: 60, long: 240 },
  run: (stage, form) => underLoad(stage, place, form === 'quick' ? 4 : 40, () => inRounds(stage, form, async () => {
    const client = new Redis(stage.redis.url, { retryStrategy: () => null });
    client.on('error', () => undefined);
    await client.shutdown().catch(() => undefined);
    client.disconnect();
    await recover(stage, () => stage.redis.restart());
  })),
});

const killed = (place: OutboxPlace): Row => row(place, {
  name: 'redis-killed',
  fault: 'Redis killed (kill -9) and started again on its append-only file (`appendfsync always`) after 5 s, 5 times (quick: once, after 2 s)',
  boundSeconds: { quick: 60, long: 300 },
  run: (stage, form) => underLoad(stage, place, form === 'quick' ? 5 : 60, () => inRounds(stage, form, async () => {
    await stage.redis.kill();
    const killedAt = performance.now();
    await namesRedis(stage);
    await at(killedAt + (form === 'quick' ? 2_000 : 5_000));
    await recover(stage, () => stage.redis.restart());
  })),
});

/** Longer than each wait of the bridge: for an answer 1.5 s, for a dead connection 5 s; the long one than what a submit holds too, 15 s. */
const paused = (place: OutboxPlace): Row => row(place, {
  name: 'redis-paused',
  fault: 'Redis stopped (SIGSTOP) for 60 s (quick: 5.5 s), longer than every time-out',
  boundSeconds: { quick: 60, long: 300 },
  run: (stage, form) => underLoad(stage, place, form === 'quick' ? 7 : 75, async () => {
    const pausedAt = performance.now();
    stage.redis.pause();
    await namesRedis(stage);
    await at(pausedAt + (form === 'quick' ? 5_500 : 60_000));
    await recover(stage, () => stage.redis.resume());
  }),
});

const outOfMemory = (place: OutboxPlace): Row => row(place, {
  name: 'redis-out-of-memory',
  fault: 'Redis out of memory (`maxmemory` reached, `noeviction`) for 30 s (quick: 3 s)',
  boundSeconds: { quick: 60, long: 240 },
  run: (stage, form) => underLoad(stage, place, form === 'quick' ? 5 : 45, async () => {
    const client = new Redis(stage.redis.url);
    stage.onClose(() => client.disconnect());
    const fullAt = performance.now();
    await client.config('SET', 'maxmemory', '1');
    await namesRedis(stage);
    await at(fullAt + (form === 'quick' ? 3_000 : 30_000));
    await recover(stage, () => client.config('SET', 'maxmemory', '0'));
  }),
});

/** So long nothing ends any more: what has not come is lost, ms. The long one is beyond the sweep that finds lost wake-ups (10 s) and the time that a submit holds (15 s). */
const quietMs: Readonly<Record<Form, number>> = { quick: 5_000, long: 20_000 };

/** Counts what a failover lost, once nothing more comes. */
const countLosses = async (stage: Stage, form: Form): Promise<void> => {
  let left = stage.downlinks.toEnd();
  let changedAt = performance.now();
  await stage.eventually('an end of what ends', async () => {
    const before = left.length;
    left = left.filter((id) => !stage.downlinks.hasEnded(id));
    if (left.length < before) changedAt = performance.now();
    const pending = await stage.bridge.metric('lpwan_bridge_outbox_pending_messages{connection="main"}');
    return left.length === 0 || (pending === 0 && performance.now() - changedAt > quietMs[form]);
  }, 120_000);
  stage.downlinks.expect('unfinished', left);
  const submitted = new Set(stage.downlinks.server('server').taken().map(({ devEui, payload = '' }) => correlationIdOf(devEui, Number.parseInt(payload, 16))));
  const never = left.filter((id) => !submitted.has(id)).length;
  stage.remark(`asynchronous replication lost ${stage.giveUp()} uplinks, ${never} downlinks, and the last states of ${left.length - never} more`);
};

/** Makes the Sentinels choose another primary, and sees the bridge follow by itself. */
const failOver = (place: OutboxPlace, how: (group: SentinelGroup, primary: RedisServer) => Promise<unknown>): Row['run'] => async (stage, form) => {
  const group = stage.sentinels;
  await underLoad(stage, place, form === 'quick' ? 5 : 45, async () => {
    const before = await group.primary();
    const begunAt = performance.now();
    await how(group, before);
    await group.untilMoved(before);
    await letGo(stage);
    await stage.downlinks.ended(await stage.downlinks.send({ to: 'server', count: downlinks.devices }));
    stage.remark(`new downlinks ended ${((performance.now() - begunAt) / 1_000).toFixed(1)} s after the fault`);
  });
  await countLosses(stage, form);
  await isHealthy(stage);
};

const failedOver = (place: OutboxPlace): Row => row(place, {
  name: 'redis-failed-over',
  fault: 'the primary of Redis killed, and Sentinel fails over to its replica',
  stage: stageOf(place, { sentinel: true }),
  downlinksTwice: 'unavoidable',
  mayLose: true,
  boundSeconds: { quick: 120, long: 300 },
  run: failOver(place, (_group, primary) => primary.kill()),
});

/** A replica that was made the primary copies nothing any more, so with this the former one takes nothing more either. */
const oneReplica = { 'min-replicas-to-write': '1', 'min-replicas-max-lag': '2' };

const handedOver = (place: OutboxPlace): Row => row(place, {
  name: 'redis-handed-over',
  fault: 'SENTINEL FAILOVER of Redis, with `min-replicas-to-write 1` (quick: without)',
  stage: (form) => stageOf(place, { sentinel: true, ...(form === 'long' ? { settings: oneReplica } : {}) }),
  downlinksTwice: 'unavoidable',
  mayLose: true,
  boundSeconds: { quick: 120, long: 300 },
  run: failOver(place, (group) => group.failover()),
});

/** The rows for an outbox in one place. */
export const redisRows = (place: OutboxPlace): readonly Row[] => [restarted, killed, paused, outOfMemory, failedOver, handedOver].map((make) => make(place));
