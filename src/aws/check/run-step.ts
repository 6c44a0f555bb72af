import { BridgeError, messageOf, type BridgeErrorOptions, type Reason } from '../../errors.js';
import type { CheckStep } from '../check-step.js';

export type Missing = NonNullable<CheckStep['missing']>;

/** A step that failed, or came to nothing without being a failure. */
export class StepFailure extends BridgeError {
  readonly missing: Missing | undefined;
  readonly result: 'failed' | 'skipped';

  constructor(reason: Reason, { missing, result = 'failed', ...options }: BridgeErrorOptions & { readonly missing?: Missing | undefined; readonly result?: 'failed' | 'skipped' }) {
    super(reason, options);
    this.missing = missing;
    this.result = result;
  }
}

/** Runs a step; what it gives is its detail. Never throws. */
export const runStep = async (step: string, work: () => Promise<string | undefined>): Promise<CheckStep> => {
  const begun = performance.now();
  const durationMs = (): number => Math.round(performance.now() - begun);
  try {
    const detail = await work();
    return { step, result: 'ok', durationMs: durationMs(), ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    const { result = 'failed', missing } = error instanceof StepFailure ? error : {};
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    return { step, result, durationMs: durationMs(), reason, detail: messageOf(error), ...(missing === undefined ? {} : { missing }) };
  }
};

export const skippedStep = (step: string, detail: string): CheckStep => ({ step, result: 'skipped', durationMs: 0, detail });
