import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

// Timers of Node know whole ms, which is as long as what is measured here. A thread that only sleeps is late by no more than
// the system takes to wake it.

export interface Ticks {
  readonly everyMs: number;
  readonly count: number;
}

/** From when the thread is awake to tick 0, ms. */
const leadMs = 20;

/** The clock that all threads share, ms; `performance.now()` has another origin in each thread. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1_000_000;

const sleepUntil = (moment: number, cell: Int32Array): void => {
  for (let wait = moment - monotonicMs(); wait > 0; wait = moment - monotonicMs()) Atomics.wait(cell, 0, 0, wait);
};

/** Tells when tick 0 is due, then the number of each tick; those whose time passed while the thread was not awake are told as one. */
const tick = ({ everyMs, count }: Ticks, tell: (value: number) => void): void => {
  const startAt = monotonicMs() + leadMs;
  tell(startAt);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let next = 0; next < count;) {
    sleepUntil(startAt + next * everyMs, cell);
    const latest = Math.min(count - 1, Math.floor((monotonicMs() - startAt) / everyMs));
    tell(latest);
    next = latest + 1;
  }
};

/** Calls `ticked` with the number of the latest tick that is due. Resolves before tick 0 with the time when that is due, ms of `monotonicMs`. */
export const startTicker = async (ticks: Ticks, ticked: (number: number) => void): Promise<number> => {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: ticks });
  const [startAt] = (await once(worker, 'message')) as [number];
  worker.on('message', ticked);
  return startAt;
};

if (!isMainThread) tick(workerData as Ticks, (value) => parentPort?.postMessage(value));
