import { messageOf } from '../src/errors.js';
import type { SeenName } from './report/targets.js';
import { createEndings, type Scene, type Stage } from './scene.js';
import type { Measured } from './types.js';

/** What a row found out. */
export interface Findings {
  readonly measured: readonly Measured[];
  /** Figures that targets are held against. */
  readonly seen?: Partial<Readonly<Record<SeenName, number>>>;
}

/** One thing to measure, from its start to its end. */
export interface Row {
  /** For `--only`. */
  readonly name: string;
  /** For the table. */
  readonly what: string;
  /** Whether `--quick` runs it too; the others need more time. */
  readonly quick?: boolean;
  /** Longest time, s; a row that takes longer has failed. */
  boundSeconds(scene: Pick<Scene, 'seconds' | 'rounds' | 'quotaMinutes'>): number;
  /** @throws when it cannot be measured, or what was measured is wrong */
  run(scene: Scene): Promise<Findings>;
}

/** What became of a row. */
export interface Outcome {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
  readonly measured: readonly Measured[];
  readonly seen: Partial<Readonly<Record<SeenName, number>>>;
  /** Why it has no figures. */
  readonly failure?: string;
}

const bounded = async (work: Promise<Findings>, seconds: number): Promise<Findings> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${seconds} s`)), seconds * 1_000);
  });
  // What the row does after its time goes nowhere: its processes are ended.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Runs a row to the end of every process that it started. `open` holds, as long as it runs, what ends it from outside. */
export const runRow = async (row: Row, stage: Stage, open: Set<() => Promise<void>>): Promise<Outcome> => {
  const begun = performance.now();
  const endings = createEndings();
  open.add(endings.end);
  const scene = stage.scene(endings);
  const done = await bounded(row.run(scene), row.boundSeconds(scene)).catch((error: unknown) => ({ measured: [], failure: messageOf(error) }));
  await endings.end();
  open.delete(endings.end);
  return { name: row.name, what: row.what, seen: {}, ...done, seconds: (performance.now() - begun) / 1_000 };
};
