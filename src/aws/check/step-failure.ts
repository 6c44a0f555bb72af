import { BridgeError, type BridgeErrorOptions, type Reason } from '../../errors.js';
import type { CheckStep } from '../../api/ports.js';
import type { Judged } from '../check-step.js';

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

/** What the failure itself says of its step. */
export const judgeStep = (error: unknown): Judged => {
  if (!(error instanceof StepFailure)) return {};
  const { result, missing } = error;
  return { result, ...(missing === undefined ? {} : { missing }) };
};
