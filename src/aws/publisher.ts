import type { OutboxRecord, Publisher, PublisherListener, PublishOutcome } from '../uplink/ports.js';
import type { MqttSession } from './mqtt-session.js';
import type { Pace } from './pacing.js';
import { createPoolSize, type PoolSize, type PoolSizeOptions } from './pool-size.js';
import type { SessionPool } from './session-pool.js';

export interface PublisherOptions {
  readonly pool: SessionPool;
  readonly listener: Pick<PublisherListener, 'settled' | 'room'>;
  /** Over all sessions: the account's publishes a second. */
  readonly accountPace: Pace;
  readonly size: PoolSizeOptions;
  readonly opened: (session: MqttSession) => void;
  /** Ready records wait this many seconds because of quotas. */
  readonly paced: (seconds: number) => void;
  /** Called once a second while it runs. */
  readonly tick?: () => void;
}

/** A publisher over the sessions of a pool, and what its owner tells it about them. */
export interface PooledPublisher extends Publisher {
  readonly sessions: readonly MqttSession[];
  /** Opens so many sessions, without waiting for demand. */
  start(count: number): void;
  /** False: opens no session in place of one that ended, until true. */
  replenish(allowed: boolean): void;
  sessionClosed(session: MqttSession): void;
  settled(record: OutboxRecord, outcome: PublishOutcome): void;
  /** Takes no more records and gives the sessions back. */
  stop(): void;
}

/** Publishes that go to one session before the next has its turn: what is ready at the same time shares a write to the socket, and a read of its PUBACKs. */
const publishesInRun = 16;

export const createPublisher = ({ pool, listener, accountPace, size, opened, paced, tick }: PublisherOptions): PooledPublisher => {
  const sessions: MqttSession[] = [];
  const poolSize: PoolSize = createPoolSize(size);
  let borrowing = 0;
  let turn = 0;
  let run = 0;
  let alone: MqttSession | undefined;
  let wakeUp: NodeJS.Timeout | undefined;
  let sizing: NodeJS.Timeout | undefined;
  let replenishing = true;
  let stopped = false;

  const remove = (session: MqttSession): void => {
    const index = sessions.indexOf(session);
    if (index >= 0) sessions.splice(index, 1);
    if (alone === session) alone = undefined;
  };

  const grow = async (): Promise<void> => {
    borrowing += 1;
    const session = await pool.borrow();
    borrowing -= 1;
    if (session === undefined) return;
    if (stopped) return pool.giveBack(session);
    sessions.push(session);
    opened(session);
    listener.room();
  };

  const keepAtLeastOne = (): void => {
    if (!stopped && replenishing && sessions.length + borrowing === 0) void grow();
  };

  const mayPublish = (session: MqttSession | undefined, now: number): session is MqttSession => session !== undefined && session !== alone && session.waitMs(now) <= 0;

  /** Sessions in turn, so that the load spreads evenly: the last used one for a run of publishes, then the first after it that may publish now. */
  const nextWithRoom = (now: number): MqttSession | undefined => {
    for (let step = run < publishesInRun ? 0 : 1; step <= sessions.length; step += 1) {
      const index = (turn + step) % sessions.length;
      const session = sessions[index];
      if (!mayPublish(session, now)) continue;
      run = step === 0 ? run + 1 : 1;
      turn = index;
      return session;
    }
    return undefined;
  };

  /** One timer for the whole pool: when pacing lets the next publish go. */
  const wakeWhenPaced = (now: number): void => {
    let wait = Number.POSITIVE_INFINITY;
    for (const session of sessions) wait = Math.min(wait, session.waitMs(now));
    wait = Math.max(wait, accountPace.waitMs(now));
    if (wakeUp !== undefined || wait === Number.POSITIVE_INFINITY) return;
    paced(wait / 1_000);
    wakeUp = setTimeout(() => {
      wakeUp = undefined;
      listener.room();
    }, Math.ceil(wait));
  };

  const send = (session: MqttSession, record: OutboxRecord, now: number): true => {
    accountPace.take(now, record.payload.length);
    poolSize.published();
    session.publish(record);
    return true;
  };

  const adjustSize = (): void => {
    tick?.();
    keepAtLeastOne();
    const surplus = poolSize.surplus(sessions.length, performance.now());
    for (const session of sessions.filter((one) => one.inFlight === 0).slice(0, surplus)) {
      remove(session);
      pool.giveBack(session);
    }
  };

  return {
    sessions,
    start(count) {
      for (let opening = 0; opening < Math.min(count, size.maxSessions); opening += 1) void grow();
      sizing = setInterval(adjustSize, 1_000);
    },
    replenish(allowed) {
      replenishing = allowed;
      keepAtLeastOne();
    },
    publish(record) {
      const now = performance.now();
      const session = stopped || accountPace.waitMs(now) > 0 ? undefined : nextWithRoom(now);
      return session === undefined ? false : send(session, record, now);
    },
    publishAlone(record) {
      const now = performance.now();
      const session = stopped || alone !== undefined ? undefined : sessions.find((one) => one.inFlight === 0 && one.waitMs(now) === 0);
      if (session === undefined) return false;
      alone = session;
      return send(session, record, now);
    },
    demand(waiting) {
      if (stopped) return;
      const now = performance.now();
      wakeWhenPaced(now);
      if (replenishing && sessions.length + borrowing < size.maxSessions && borrowing === 0 && poolSize.shouldGrow(waiting, sessions.length, now)) void grow();
    },
    sessionClosed(session) {
      remove(session);
      pool.discard(session);
      keepAtLeastOne();
    },
    settled(record, outcome) {
      if (alone?.inFlight === 0) alone = undefined;
      listener.settled(record, outcome);
      listener.room();
    },
    stop() {
      stopped = true;
      clearTimeout(wakeUp);
      clearInterval(sizing);
      for (const session of sessions.splice(0)) pool.giveBack(session);
    },
  };
};
