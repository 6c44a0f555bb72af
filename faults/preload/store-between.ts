import { writeSync } from 'node:fs';
import { open as openTrue, type Database, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb';
import { readSwitch } from './read-switch.js';

/**
 * Stands between the daemon and LMDB, at the outbox only, and counts its transactions: those that append and those that settle.
 *
 * - Switch `kill`, such as `append under-way 4`: the process kills itself (SIGKILL) at the fourth transaction of that kind that begins from
 *   then on. `begun`: its writes are made, it is not committed. `under-way`: LMDB's thread is writing it, at a random moment of that.
 *   `durable`: its fdatasync is over, and nobody was told. From outside these moments cannot be met: a transaction takes about a millisecond.
 * - Switch `slow`: each transaction seems to take so many milliseconds longer, as on a slow disk.
 */
type Table = Database<Buffer, Buffer>;
type Root = RootDatabase<Buffer, Buffer>;
type Kind = 'append' | 'settle';

const longestWriteMs = 2;
let armed: { readonly wish: string; left: number } | undefined;

const kill = (wish: string): void => {
  writeSync(2, `killed: ${wish}\n`);
  process.kill(process.pid, 'SIGKILL');
};

/** Where the present transaction is to strike: it is the one that was wished for. */
const wishOf = (kinds: ReadonlySet<Kind>): string | undefined => {
  const [kind, place, count] = readSwitch('kill')?.split(' ') ?? [];
  if (kind === undefined || !kinds.has(kind as Kind)) return undefined;
  const wish = `${kind} ${place}`;
  if (armed?.wish !== wish) armed = { wish, left: Number(count) };
  armed.left -= 1;
  return armed.left === 0 ? wish : undefined;
};

const spin = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
};

const delayed = async <T>(work: Promise<T>): Promise<T> => {
  const result = await work;
  const ms = Number(readSwitch('slow') ?? 0);
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return result;
};

/** The transaction under way notes what is done to the records. */
const watch = (table: Table, kinds: Set<Kind>): void => {
  const put = table.put.bind(table) as (...args: unknown[]) => Promise<boolean>;
  const remove = table.remove.bind(table) as (...args: unknown[]) => Promise<boolean>;
  table.put = (...args: unknown[]) => {
    kinds.add('append');
    return put(...args);
  };
  table.remove = (...args: unknown[]) => {
    kinds.add('settle');
    return remove(...args);
  };
};

const stand = (root: Root): Root => {
  const kinds = new Set<Kind>();
  const openDB = root.openDB.bind(root) as (options: { readonly name: string }) => Table;
  const batch = root.batch.bind(root);
  const between = {
    openDB(options: { readonly name: string }): Table {
      const table = openDB(options);
      if (options.name === 'records') watch(table, kinds);
      return table;
    },
    batch(write: () => void): Promise<boolean> {
      const transaction: { wish?: string | undefined } = {};
      kinds.clear();
      const done = batch(() => {
        write();
        transaction.wish = wishOf(kinds);
        if (transaction.wish?.endsWith(' begun') === true) kill(transaction.wish);
      });
      const wish = transaction.wish;
      if (wish?.endsWith(' under-way') === true) {
        spin(Math.random() * longestWriteMs);
        kill(wish);
      }
      if (wish !== undefined) void done.then(() => kill(wish));
      return delayed(done);
    },
  };
  return Object.assign(root, between);
};

/** In place of lmdb's own. */
export const open = (options: RootDatabaseOptionsWithPath): Root => {
  const root = openTrue<Buffer, Buffer>(options);
  return /[\\/]outbox$/.test(options.path ?? '') && options.readOnly !== true ? stand(root) : root;
};
