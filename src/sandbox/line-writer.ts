/** Characters that wait for a slow reader before further lines are dropped. */
const maxBacklog = 16 * 1024 * 1024;

/** Writes lines to a stream, those of one turn of the event loop in one write. */
export interface LineWriter {
  write(line: string): void;
  /** Hands over what is left; resolves when the stream took it. */
  end(): Promise<void>;
}

/**
 * Memory stays bounded when nobody reads: lines past a backlog of 16 MiB are dropped, and a line `dropped(count)` says so
 * once there is room again.
 */
export const createLineWriter = (stream: NodeJS.WritableStream, dropped: (count: number) => string): LineWriter => {
  let lines: string[] = [];
  let waiting = 0;
  let lost = 0;
  let scheduled = false;

  const flush = (written?: () => void): void => {
    scheduled = false;
    const text = lines.join('');
    lines = [];
    stream.write(text, () => {
      waiting -= text.length;
      written?.();
    });
  };

  const push = (line: string): void => {
    lines.push(`${line}\n`);
    waiting += line.length + 1;
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  return {
    write: (line) => {
      if (waiting > maxBacklog) {
        lost += 1;
        return;
      }
      if (lost > 0) push(dropped(lost));
      lost = 0;
      push(line);
    },
    end: () =>
      new Promise((resolve) => {
        if (lost > 0) push(dropped(lost));
        flush(resolve);
      }),
  };
};
