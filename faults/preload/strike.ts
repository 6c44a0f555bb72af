import { writeSync } from 'node:fs';
import { readSwitch } from './read-switch.js';

/**
 * What the store writes: messages (`append`), what was settled (`settle`), both into the journal; and what goes from there into LMDB (`store`).
 *
 * - Switch `kill`, such as `append under-way 4`: the process kills itself (SIGKILL) at the fourth write of that kind from then on. `begun`: it is
 *   prepared, not written. `under-way`: another thread is writing it, at a random moment of that. `durable`: it is on the disk, and nobody was
 *   told. From outside these moments cannot be met: a write takes less than a millisecond.
 * - Switch `slow`: each write seems to take so many milliseconds longer, as on a slow disk.
 */
export type Kind = 'append' | 'settle' | 'store';

const longestWriteMs = 2;
let armed: { readonly wish: string; left: number } | undefined;

const kill = (wish: string): void => {
  writeSync(2, `killed: ${wish}\n`);
  process.kill(process.pid, 'SIGKILL');
};

/** Where the present write is to strike: it is the one that was wished for. */
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

/** The moments of one write. */
export interface Strike {
  /** It is prepared. */
  begun(): void;
  /** It was handed over. */
  underWay(): void;
  /** It is durable; calls back when whoever waits may hear of it. */
  durable(tell: () => void): void;
}

export const strikeOf = (kinds: ReadonlySet<Kind>): Strike => {
  const wish = wishOf(kinds);
  return {
    begun() {
      if (wish?.endsWith(' begun') === true) kill(wish);
    },
    underWay() {
      if (wish?.endsWith(' under-way') !== true) return;
      spin(Math.random() * longestWriteMs);
      kill(wish);
    },
    durable(tell) {
      if (wish !== undefined) kill(wish);
      const ms = Number(readSwitch('slow') ?? 0);
      if (ms > 0) setTimeout(tell, ms);
      else tell();
    },
  };
};
