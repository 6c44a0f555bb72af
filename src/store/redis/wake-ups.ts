import { Job, Queue } from 'bullmq';
import type { RedisLink } from './redis-link.js';
import { wakeUpQueue } from './keys.js';
import { sleepingScript } from './turn-scripts.js';

/** The wake-ups of devices: one BullMQ job for each device with something waiting. */
export interface WakeUps {
  /** Makes sure that a device is woken. Never throws: what fails here is found by the sweep. */
  wake(deviceKey: string, options?: { readonly delayMs?: number; readonly early?: boolean }): Promise<void>;
  /** Wakes every device that has a list and no wake-up. Never throws. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export interface WakeUpsOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly sweepMs: number;
}

/** Opens the queue; call it once Redis was found usable. */
export const openWakeUps = ({ link, tag, sweepMs }: WakeUpsOptions): WakeUps => {
  let queue: Queue | undefined;
  let closed = false;

  /** BullMQ asks Redis for its version when a queue is made, so it is made at the first use while Redis answers. */
  const opened = (): Queue => {
    if (queue !== undefined) return queue;
    const made = new Queue(wakeUpQueue, {
      connection: link.client,
      prefix: tag,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // Each failed command rejects where it was asked for; the link tells about Redis itself.
    made.on('error', () => undefined);
    // One that could not ask stays unusable for ever.
    void made.waitUntilReady().catch(() => { if (queue === made) queue = undefined; });
    queue = made;
    return made;
  };

  const promote = async (deviceKey: string): Promise<void> => {
    const job = await Job.fromId(opened(), deviceKey);
    await job?.promote();
  };

  const wake: WakeUps['wake'] = async (deviceKey, { delayMs = 0, early = false } = {}) => {
    if (closed) return;
    try {
      // BullMQ ignores a job whose id is there already, be it waiting, delayed or active.
      await link.run(() => opened().add('wake', {}, { jobId: deviceKey, ...(delayMs > 0 ? { delay: delayMs } : {}) }));
      if (early) await link.run(() => promote(deviceKey));
    } catch {
      // A job that is not delayed cannot be promoted and need not be; anything else is found by the sweep.
    }
  };

  const sweepAll = async (): Promise<void> => {
    let cursor = '0';
    do {
      const [next, missing] = (await link.call(sleepingScript, cursor)) as [string, string[]];
      await Promise.all(missing.map((deviceKey) => wake(deviceKey)));
      cursor = next;
    } while (cursor !== '0' && !closed);
  };

  const sweep = async (): Promise<void> => {
    try {
      await sweepAll();
    } catch {
      // Redis went away; the next sweep comes.
    }
  };

  /** One replica sweeps for all in each period. */
  const timer = setInterval(() => {
    void link.run((client) => client.set(`${tag}:sweep`, '1', 'PX', Math.ceil(sweepMs * 0.9), 'NX'))
      .then((first) => (first === null ? undefined : sweep()), () => undefined);
  }, sweepMs);

  return {
    wake,
    sweep,
    async close() {
      closed = true;
      clearInterval(timer);
      await queue?.close();
    },
  };
};
