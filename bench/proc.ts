import { readFileSync } from 'node:fs';
import { watchMemory } from '../faults/memory.js';
import type { Usage } from './types.js';

/** Linux counts the times of a process in hundredths of a second, whatever the kernel's own tick is: USER_HZ, proc(5). */
const microsPerTick = 10_000;

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** User and system time of all threads, those that ended included, µs; NaN when the process is gone. */
const cpuMicrosOf = (pid: number): number => {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return Number.NaN;
  // The name of the program is in brackets and may hold anything; `utime` and `stime` are the 14th and 15th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
};

interface Counts {
  readonly writtenBytes: number;
  readonly readWriteCalls: number;
}

/** NaN where the kernel does not count, or does not tell us: /proc/PID/io needs CONFIG_TASK_IO_ACCOUNTING and the same user. */
const countsOf = (pid: number): Counts => {
  const text = readText(`/proc/${pid}/io`);
  const value = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? Number.NaN);
  return { writtenBytes: value('write_bytes'), readWriteCalls: value('syscr') + value('syscw') };
};

/** Watches what a process uses from now on. */
export interface UsageWatch {
  /** What was used since the start of the watch, which goes on. */
  soFar(): Usage;
  stop(): Usage;
}

/**
 * `writtenBytes` are those that dirtied pages on their way to a disk (write_bytes of proc(5)), so neither sockets nor what was only
 * read. `readWriteCalls` are the calls of the read and write families, which sockets use too; those for waiting, and fsync, are not in it.
 */
export const watchUsage = (pid: number): UsageWatch => {
  const memory = watchMemory();
  memory.watch(pid);
  const cpu = cpuMicrosOf(pid);
  const counts = countsOf(pid);
  const soFar = (): Usage => {
    const now = countsOf(pid);
    return {
      cpuMicros: cpuMicrosOf(pid) - cpu,
      peakRssAnonBytes: memory.peakBytes,
      writtenBytes: now.writtenBytes - counts.writtenBytes,
      readWriteCalls: now.readWriteCalls - counts.readWriteCalls,
    };
  };
  return {
    soFar,
    stop() {
      memory.stop();
      return soFar();
    },
  };
};
