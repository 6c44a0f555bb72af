import { messageOf } from '../src/errors.js';
import type { StageOptions } from './stage-options.js';
import { openStage, type Stage, type Tally } from './stage.js';

/** `quick`: some seconds. `long`: what the published table is made of. */
export type Form = 'quick' | 'long';

/** One fault: what is done to a bridge under load, and what must hold. */
export interface Row {
  /** For `--only`. */
  readonly name: string;
  /** For the table. */
  readonly fault: string;
  readonly stage?: StageOptions | ((form: Form) => StageOptions);
  /** Redeliveries: `none`, or `unavoidable` where a kill or a PUBACK that never came makes them so. */
  readonly duplicates: 'none' | 'unavoidable';
  /** Downlinks that a network server took twice: `none` (default), or `unavoidable` where its answers are lost. */
  readonly downlinksTwice?: 'none' | 'unavoidable';
  /** What may be lost is counted and told, and does not fail the row: asynchronous replication. */
  readonly mayLose?: boolean;
  /** Its long form takes the whole process or machine, so nothing else runs beside it. */
  readonly alone?: boolean;
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

const downlinkVerdict = ({ downlinksTwice = 'none', mayLose = false }: Row, { downlinks }: Tally): readonly string[] =>
  downlinks === undefined ? [] : [
    ...downlinks.wrong,
    ...(downlinks.lost === 0 || mayLose ? [] : [`${downlinks.lost} downlinks were lost`]),
    ...(downlinks.outOfOrder === 0 ? [] : [`${downlinks.outOfOrder} downlinks were out of order`]),
    ...(downlinksTwice === 'none' && downlinks.twice > 0 ? [`${downlinks.twice} downlinks were taken twice`] : []),
  ];

const verdictOf = (row: Row, tally: Tally): readonly string[] => [
  ...tally.failures,
  ...(tally.accepted === 0 ? ['no uplink was accepted'] : []),
  ...(tally.lost === 0 || row.mayLose === true ? [] : [`${tally.lost} uplinks were lost`]),
  ...(tally.outOfOrder === 0 ? [] : [`${tally.outOfOrder} uplinks were out of order`]),
  ...(row.duplicates === 'none' && tally.duplicates > 0 ? [`${tally.duplicates} uplinks came twice`] : []),
  ...downlinkVerdict(row, tally),
];

const optionsOf = ({ stage = {} }: Row, form: Form): StageOptions => (typeof stage === 'function' ? stage(form) : stage);

/** Resolves with what kept the row from its end. */
const play = async (row: Row, stage: Stage, form: Form): Promise<readonly string[]> => {
  const work = async (): Promise<void> => {
    await row.run(stage, form);
    await stage.finish();
  };
  return bounded(work(), row.boundSeconds[form]).then(() => [], (error: unknown) => [messageOf(error)]);
};

/** For whoever looks for the cause of a failure. */
const tellAnswers = ({ otherAnswers }: Tally): string =>
  `of the webhooks that were not answered 204 ${Object.entries(otherAnswers).map(([status, count]) => `${count} had ${status === '0' ? 'no answer' : `a ${status}`}`).join(', ')}`;

/** The same. */
const tellRepeated = ({ repeated, publishFailures }: Tally): string => `came twice: ${repeated.join(', ')}; publishes without a PUBACK: ${publishFailures.join(', ') || 'none'}`;

const nothing: Tally = { sent: 0, accepted: 0, delivered: 0, parked: 0, duplicates: 0, lost: 0, outOfOrder: 0, peakRssAnonBytes: 0, recoveryMs: undefined, failures: [], remarks: [], otherAnswers: {}, repeated: [], publishFailures: [] };

/** Runs a row from an empty data directory to the end of every process it started. `open` holds, as long as it runs, what ends it from outside. */
export const runRow = async (row: Row, form: Form, open: Set<() => Promise<void>> = new Set()): Promise<Outcome> => {
  const begun = performance.now();
  let end: () => Promise<void> = () => Promise.resolve();
  let tally = nothing;
  let thrown: readonly string[];
  try {
    const stage = await openStage(optionsOf(row, form), (close) => open.add((end = close)));
    thrown = await play(row, stage, form);
    tally = stage.tally();
  } catch (error) {
    thrown = [messageOf(error)];
  }
  await end();
  open.delete(end);
  const failures = [...thrown, ...verdictOf(row, tally)];
  const remarks = failures.length === 0 ? tally.remarks : [
    ...tally.remarks,
    ...(Object.keys(tally.otherAnswers).length > 0 ? [tellAnswers(tally)] : []),
    ...(tally.duplicates > 0 ? [tellRepeated(tally)] : []),
  ];
  return { ...tally, failures, remarks, name: row.name, fault: row.fault, form, seconds: (performance.now() - begun) / 1_000, passed: failures.length === 0, ...(row.known === undefined ? {} : { known: row.known }) };
};
