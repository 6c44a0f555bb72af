import { readFileSync } from 'node:fs';

/** Watches the anonymous memory of processes, one after another or beside each other. */
export interface MemoryWatch {
  watch(pid: number): void;
  /** Highest RssAnon seen of any of them, bytes. Mapped pages of the store are not in it: they are the kernel's to take back. */
  readonly peakBytes: number;
  stop(): void;
}

const everyMs = 100;

/** RssAnon of proc(5), bytes; undefined when the process is gone. */
const rssAnonOf = (pid: number): number | undefined => {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
};

export const watchMemory = (): MemoryWatch => {
  const pids = new Set<number>();
  let peakBytes = 0;
  const timer = setInterval(() => {
    for (const pid of pids) {
      const bytes = rssAnonOf(pid);
      if (bytes === undefined) pids.delete(pid);
      else peakBytes = Math.max(peakBytes, bytes);
    }
  }, everyMs);
  return {
    watch: (pid) => void pids.add(pid),
    get peakBytes() {
      return peakBytes;
    },
    stop: () => clearInterval(timer),
  };
};
