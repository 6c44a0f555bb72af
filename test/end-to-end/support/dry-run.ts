import { checkCommand } from '../../../src/cli/check.js';
import { runCommand } from '../../support/run-command.js';
import { runBuilt } from './command-line.js';
import { seedConnection, type LiveScene } from './live-scene.js';

/** The permission that a step lacks. */
export interface Missing {
  readonly policy: 'iot' | 'iam';
  readonly action: string;
  readonly resource: string;
}

export interface Step {
  readonly step: string;
  readonly result: 'ok' | 'failed' | 'skipped';
  readonly reason?: string;
  readonly detail?: string;
  readonly missing?: Missing;
}

/** What a dry run answers, from the API or on the command line. */
export interface DryRun {
  readonly ok: boolean;
  readonly steps: readonly Step[];
}

/** `POST /connections?dryRun=true` with the seed's document, changed. @throws when it is refused */
export const dryRun = async (scene: LiveScene, configuration: object = {}, id = 'dry'): Promise<DryRun> => {
  const { status, body, json } = await scene.bridge.api('POST', '/connections?dryRun=true', seedConnection(scene, configuration, { id, active: false }));
  if (status !== 200) throw new Error(`the dry run answered ${status}: ${body}`);
  return json as unknown as DryRun;
};

/** Where the running bridge is: the file of a test says port 0. */
export const urlOf = ({ bridge }: Pick<LiveScene, 'bridge'>): string => String(bridge.program.lines.find((line) => line['msg'] === 'ready')?.['private']);

const argumentsOf = (scene: LiveScene, id: string): readonly string[] => [id, '--config', scene.home.file, '--url', urlOf(scene)];

/** `lpwan-bridge check ID`, as a process; resolves with its text. */
export const checkAsText = (scene: LiveScene, id: string) => runBuilt(['check', ...argumentsOf(scene, id)]);

/** `check ID --json` in this process, which starts sooner. */
export const checkAsJson = async (scene: LiveScene, id: string): Promise<DryRun & { readonly code: number }> => {
  const { code, stdout, stderr } = await runCommand(checkCommand, [...argumentsOf(scene, id), '--json']);
  if (stdout === '') throw new Error(`check ended with ${code}: ${stderr}`);
  return { code, ...(JSON.parse(stdout) as DryRun) };
};

export const missingIn = ({ steps }: DryRun): readonly Missing[] => steps.flatMap(({ missing }) => (missing === undefined ? [] : [missing]));

export const resultsOf = ({ steps }: DryRun): Readonly<Record<string, string>> => Object.fromEntries(steps.map(({ step, result }) => [step, result]));

/** A policy that allows these actions on everything. */
export const allowing = (actions: readonly string[]): object => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] });
