import type { DownlinkTables, Writer } from './downlink-tables.js';

/** A table whose values are dropped when they are over. */
export interface Sweep {
  readonly table: 'seen' | 'answers' | 'submitted' | 'lives' | 'things';
  readonly isOver: (key: Buffer, value: Buffer) => boolean;
  /** Whether the key is being written anew. */
  readonly isWriting: (key: Buffer) => boolean;
}

export interface Sweeper {
  close(): void;
}

/** Values looked at in one step: about 1 ms, so that a pass never holds up the event loop. */
const stepSize = 500;
const stepPauseMs = 25;

/** Goes through the tables now and then, one small step after the other. */
export const createSweeper = (writer: Writer, sweeps: readonly Sweep[], everyMs: number): Sweeper => {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const schedule = (next: () => void, ms: number): void => {
    if (!closed) timer = setTimeout(next, ms).unref();
  };

  /** The keys that are over among the next ones, and where to go on; no place when this was the end. */
  const look = (tables: DownlinkTables, { table, isOver, isWriting }: Sweep, start: Buffer): { readonly over: Buffer[]; readonly next: Buffer | undefined } => {
    const over: Buffer[] = [];
    let looked = 0;
    let last = start;
    for (const { key, value } of tables[table].getRange({ start, limit: stepSize })) {
      looked += 1;
      last = key;
      if (isOver(key, value) && !isWriting(key)) over.push(key);
    }
    return { over, next: looked < stepSize ? undefined : Buffer.concat([last, Buffer.alloc(1)]) };
  };

  const step = (index: number, start: Buffer): void => {
    const sweep = sweeps[index];
    if (sweep === undefined) {
      schedule(begin, everyMs);
      return;
    }
    let found: ReturnType<typeof look> = { over: [], next: undefined };
    const goOn = (): void => { schedule(() => { step(found.next === undefined ? index + 1 : index, found.next ?? Buffer.alloc(1)); }, stepPauseMs); };
    writer
      .commit({
        kind: 'upkeep',
        prepare: (tables) => (found = look(tables, sweep, start)).over.length > 0,
        write: (tables) => { for (const key of found.over) void tables[sweep.table].remove(key); },
      })
      .then(goOn, () => { schedule(begin, everyMs); });
  };

  const begin = (): void => { step(0, Buffer.alloc(1)); };
  schedule(begin, everyMs);

  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
};
