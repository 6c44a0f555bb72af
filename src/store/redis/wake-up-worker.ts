import { DelayedError, Worker, type Job } from 'bullmq';
import { deadlineIn, within, type Deadline } from '../../lifecycle.js';
import type { DeviceTurns, TurnEnd } from './device-turns.js';
import { wakeUpQueue } from './keys.js';
import type { RedisAddress } from './redis-options.js';

/** One BullMQ worker with connections of its own; replaced as a whole when it is in doubt. */
export interface WakeUpWorker {
  /** Monotonic ms when it last took a wake-up. */
  lastTaken(): number;
  /** Wake-ups that it has in hand. */
  active(): number;
  /**
   * Takes nothing more and waits for what it has in hand, as long as the deadline allows; what is in hand still is given back, after `late` ran.
   * Never throws.
   */
  close(deadline: Deadline, late?: () => Promise<void>): Promise<void>;
}

export interface WakeUpWorkerOptions {
  readonly address: RedisAddress;
  readonly tag: string;
  readonly turns: DeviceTurns;
  /** A wake-up ended, and what it was for may have changed meanwhile. Never throws. */
  readonly ended: (deviceKey: string, end: TurnEnd | 'failed') => Promise<void>;
  readonly lockMs: number;
  /** Sees the worker of BullMQ. */
  readonly onWorker?: ((worker: Worker) => void) | undefined;
}

/** How many devices one process attends to at once: those that wait within the process for their moment, and the submits under way. */
export const concurrency = 1_000;

/** Longest that giving back and ending the connections may take beyond the deadline, ms. */
const disconnectMs = 1_000;

interface InHand {
  readonly job: Job;
  readonly token: string | undefined;
  readonly end: Promise<TurnEnd>;
}

/** What both ioredis and BullMQ's view of it have. */
interface Endable {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(): void;
}

/** Ends a client whatever its state. One that waits to reconnect would otherwise never say that it ended, and BullMQ waits for that word. */
const endClient = (client: Endable): void => {
  if (client.status === 'reconnecting') void client.connect().catch(() => undefined);
  client.disconnect();
};

/** A worker that can be dropped while it still has something in hand. */
class DroppableWorker extends Worker {
  /** Renews no lock and looks for no stalled wake-ups any more. */
  async drop(): Promise<void> {
    await Promise.all([this.lockManager.close(), this.pause(true), this.getBackend().close(true)]);
  }
}

const settled = async (work: Promise<unknown>): Promise<void> => {
  await work.catch(() => undefined);
};

/** Starts to take wake-ups. Redis must have been found safe: BullMQ would print a warning of its own. */
export const startWakeUpWorker = ({ address, tag, turns, ended, lockMs, onWorker }: WakeUpWorkerOptions): WakeUpWorker => {
  const inHand = new Map<string, InHand>();
  const after = new Set<Promise<void>>();
  let lastTaken = performance.now();

  // Its commands wait for Redis to come back; there are never more of them than wake-ups in hand.
  const client = address.connect({ maxRetriesPerRequest: null });
  client.on('error', () => undefined);

  const look = (deviceKey: string, end: TurnEnd | 'failed'): void => {
    const looking = ended(deviceKey, end);
    after.add(looking);
    void looking.finally(() => after.delete(looking));
  };

  const attend = async (job: Job, token?: string): Promise<void> => {
    const deviceKey = String(job.id);
    lastTaken = performance.now();
    const turn = turns.take(deviceKey);
    inHand.set(deviceKey, { job, token, end: turn });
    try {
      const end = await turn;
      if (end === 'empty') return;
      await job.moveToDelayed(Date.now() + end.sleepMs, token);
      look(deviceKey, end);
    } finally {
      inHand.delete(deviceKey);
    }
    throw new DelayedError();
  };

  const worker = new DroppableWorker(wakeUpQueue, attend, {
    connection: client,
    prefix: tag,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: Math.ceil(lockMs / 3),
    // A wake-up is never given up, however often its process died.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    runRetryDelay: 500,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  // What fails here is tried again by the worker, or the wake-up comes again when its lock ends; the link tells about Redis itself.
  worker.on('error', () => undefined);
  worker.on('completed', (job) => { look(String(job.id), 'empty'); });
  worker.on('failed', (job) => { if (job?.id !== undefined) look(job.id, 'failed'); });

  onWorker?.(worker);

  const giveBack = async (): Promise<void> => {
    const left = [...inHand.values()];
    await Promise.allSettled(left.map(({ job, token }) => job.moveToDelayed(Date.now(), token)));
  };

  /** Once BullMQ waits for the end of its blocking connection. */
  const endBlocking = async (): Promise<void> => {
    await new Promise((resolve) => { setImmediate(resolve); });
    const blocking = await worker.getBackend().blockingClient;
    if (blocking?.status === 'reconnecting') endClient(blocking);
  };

  return {
    lastTaken: () => lastTaken,
    active: () => inHand.size,
    async close(deadline, late = () => Promise.resolve()) {
      const closing = settled(worker.close());
      void settled(endBlocking());
      await within(deadline, settled(Promise.all([...inHand.values()].map(({ end }) => end))));
      if (!(await within(deadlineIn(Math.min(disconnectMs, deadline.remaining())), closing))) {
        await within(deadlineIn(disconnectMs), settled(late().then(giveBack)));
        void settled(worker.drop());
      }
      await within(deadlineIn(disconnectMs), settled(Promise.all(after)));
      endClient(client);
    },
  };
};
