import type { PolicyDecision, PolicyRequest } from './policy.js';

/** Who is at the other end of a connection. */
export interface Principal {
  /** Certificate id, or the user id of an access key: what AWS calls `principalIdentifier`. */
  readonly id: string;
  /** What its policies say now. */
  decide(request: PolicyRequest): PolicyDecision;
}
