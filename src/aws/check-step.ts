import { BridgeError, messageOf, type Reason } from '../errors.js';

/** One step of a dry run, with how it ended and, for a refusal, the permission that is missing. Holds no secret. */
export interface CheckStep {
  /** What was tried, in a few words: `tls`, `create thing`. */
  readonly step: string;
  /** `skipped`: not asked for, or a step before it failed. */
  readonly result: 'ok' | 'failed' | 'skipped';
  readonly durationMs: number;
  readonly reason?: Reason;
  readonly detail?: string;
  /** `iot`: the policy of the certificate; `iam`: that of the AWS credentials. */
  readonly missing?: { readonly policy: 'iot' | 'iam'; readonly action: string; readonly resource: string };
}

/** What a failure means for its step. */
export type Judged = Pick<CheckStep, 'missing'> & { readonly result?: 'failed' | 'skipped' };

/** Runs a step; what it gives is its detail. Never throws. */
export const runStep = async (step: string, work: () => Promise<string | undefined>, judge: (error: unknown) => Judged): Promise<CheckStep> => {
  const begun = performance.now();
  const durationMs = (): number => Math.round(performance.now() - begun);
  try {
    const detail = await work();
    return { step, result: 'ok', durationMs: durationMs(), ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    return { step, result: 'failed', durationMs: durationMs(), reason, detail: messageOf(error), ...judge(error) };
  }
};

export const skippedStep = (step: string, detail: string): CheckStep => ({ step, result: 'skipped', durationMs: 0, detail });
