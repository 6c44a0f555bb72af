import { messageOf } from '../src/errors.js';
import { openStage, type Stage, type StageOptions, type Tally } from './stage.js';

/** `quick`: some seconds. `long`: what the published table is made of. */
export type Form = 'quick' | 'long';

/** One fault: what is done to a bridge under load, and what must hold. */
export interface Row {
  /** For `--only`. */
  readonly name: string;
  /** For the table. */
  readonly fault: string;
  readonly stage?: StageOptions;
  /** Redeliveries: `none`, or `unavoidable` where a kill or a PUBACK that never came makes them so. */
  readonly duplicates: 'none' | 'unavoidable';
  /** Longest time of each form, s; a row that takes longer has failed. */
  readonly boundSeconds: Readonly<Record<Form, number>>;
  /** Why the present bridge fails it: a bug that is known. The row still counts as failed. */
  readonly known?: string;
  /** Does it. What has to hold for every row is checked afterwards. @throws when it cannot go on */
  run(stage: Stage, form: Form): Promise<void>;
}

/** What became of a row. */
export interface Outcome extends Tally {
  readonly name: string;
  readonly fault: string;
  readonly form: Form;
  readonly seconds: number;
  readonly known?: string;
  readonly passed: boolean;
}

const bounded = async (work: Promise<void>, seconds: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${seconds} s`)), seconds * 1_000);
  });
  // Whatever the row does after its time goes nowhere: its processes are ended.
  work.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const verdictOf = ({ duplicates }: Row, tally: Tally): readonly string[] => [
  ...tally.failures,
  ...(tally.accepted === 0 ? ['no uplink was accepted'] : []),
  ...(tally.lost === 0 ? [] : [`${tally.lost} uplinks were lost`]),
  ...(tally.outOfOrder === 0 ? [] : [`${tally.outOfOrder} uplinks were out of order`]),
  ...(duplicates === 'none' && tally.duplicates > 0 ? [`${tally.duplicates} uplinks came twice`] : []),
];

/** Runs a row from an empty data directory to the end of every process it started. `opened` gives what ends it from outside. */
export const runRow = async (row: Row, form: Form, opened: (stage: Stage | undefined) => void = () => undefined): Promise<Outcome> => {
  const begun = performance.now();
  const stage = await openStage(row.stage ?? {});
  opened(stage);
  const thrown: string[] = [];
  try {
    await bounded(
      (async () => {
        await row.run(stage, form);
        await stage.finish();
      })(),
      row.boundSeconds[form],
    );
  } catch (error) {
    thrown.push(messageOf(error));
  }
  const tally = stage.tally();
  await stage.close();
  opened(undefined);
  const failures = [...thrown, ...verdictOf(row, tally)];
  return { ...tally, failures, name: row.name, fault: row.fault, form, seconds: (performance.now() - begun) / 1_000, passed: failures.length === 0, ...(row.known === undefined ? {} : { known: row.known }) };
};
