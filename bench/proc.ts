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

/** The processes that it has started and that still run; none where the kernel does not tell. */
export const childrenOf = (pid: number): readonly number[] => (readText(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter((text) => text !== '').map(Number);

interface Counts {
  readonly cpuMicros: number;
  readonly writtenBytes: number;
  readonly readWriteCalls: number;
}

/** NaN where the kernel does not count, or does not tell us: /proc/PID/io needs CONFIG_TASK_IO_ACCOUNTING and the same user. */
const countsOfOne = (pid: number): Counts => {
  const text = readText(`/proc/${pid}/io`);
  const value = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? Number.NaN);
  return { cpuMicros: cpuMicrosOf(pid), writtenBytes: value('write_bytes'), readWriteCalls: value('syscr') + value('syscw') };
};

/** Added up. */
const countsOf = (pids: readonly number[]): Counts =>
  pids.map(countsOfOne).reduce((sum, one) => ({
    cpuMicros: sum.cpuMicros + one.cpuMicros,
    writtenBytes: sum.writtenBytes + one.writtenBytes,
    readWriteCalls: sum.readWriteCalls + one.readWriteCalls,
  }));

/** Watches what processes use from now on. */
export interface UsageWatch {
  /** What was used since the start of the watch, which goes on. */
  soFar(): Usage;
  stop(): Usage;
}

/**
 * `writtenBytes` are those that dirtied pages on their way to a disk (write_bytes of proc(5)), so neither sockets nor what was only
 * read. `readWriteCalls` are the calls of the read and write families, which sockets use too; those for waiting, and fsync, are not in it.
 */
export const watchUsage = (pids: readonly number[]): UsageWatch => {
  const memory = watchMemory();
  for (const pid of pids) memory.watch(pid);
  const before = countsOf(pids);
  const soFar = (): Usage => {
    const { cpuMicros, writtenBytes, readWriteCalls } = countsOf(pids);
    return {
      cpuMicros: cpuMicros - before.cpuMicros,
      peakRssAnonBytes: memory.peakBytes,
      writtenBytes: writtenBytes - before.writtenBytes,
      readWriteCalls: readWriteCalls - before.readWriteCalls,
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
