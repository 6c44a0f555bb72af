import type { Reason } from '../errors.js';

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
