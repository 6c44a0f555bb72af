import { allowAll, compileIamPolicy, type Policy } from './policy.js';

/** The one IAM policy of the sandbox: of its access key and of the keys that AssumeRole gives. */
export interface Iam {
  /** @throws BridgeError `config_invalid` */
  replace(document: unknown): void;
  readonly decide: Policy;
}

/** Everything is allowed until a policy is set. */
export const createIam = (): Iam => {
  let policy = compileIamPolicy(allowAll);
  return {
    replace: (document) => {
      policy = compileIamPolicy(document);
    },
    decide: (request) => policy(request),
  };
};
