import { randomUUID } from 'node:crypto';
import { iotArn } from './arn.js';
import { compilePolicy, type Policy } from './policy.js';

export interface PolicyVersion {
  readonly id: string;
  /** JSON, as it was given. */
  readonly document: string;
  readonly policy: Policy;
  readonly createdAt: Date;
}

/** An IoT policy with its versions; the default one counts. */
export interface StoredPolicy {
  readonly name: string;
  readonly arn: string;
  readonly sequence: number;
  readonly generationId: string;
  readonly createdAt: Date;
  changedAt: Date;
  readonly versions: Map<string, PolicyVersion>;
  defaultVersionId: string;
  /** Numbers of deleted versions are not given again. */
  lastVersion: number;
}

/** The IoT policies by name. */
export interface PolicyStore {
  readonly policies: ReadonlyMap<string, StoredPolicy>;
  /** Grows with every change of what a policy says. */
  revision(): number;
  /** Replaces a policy of the same name. @throws BridgeError `config_invalid` */
  put(name: string, document: string): StoredPolicy;
  /** Adds a version; it does not become the default one. @throws BridgeError `config_invalid` */
  addVersion(policy: StoredPolicy, document: string): PolicyVersion;
  setDefault(policy: StoredPolicy, versionId: string): void;
  remove(name: string): void;
  /** What the default version of a policy says. */
  policyOf(name: string): Policy;
}

const silent: Policy = () => 'none';

/** JSON.parse's own message says where a text is not JSON. */
const compileText = (document: string): Policy => {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    value = undefined;
  }
  return compilePolicy(value);
};

export const createPolicyStore = (): PolicyStore => {
  const policies = new Map<string, StoredPolicy>();
  let made = 0;
  let revision = 0;

  const addVersion = (policy: StoredPolicy, document: string): PolicyVersion => {
    const version = { id: String(policy.lastVersion + 1), document, policy: compileText(document), createdAt: new Date() };
    policy.lastVersion += 1;
    policy.versions.set(version.id, version);
    policy.changedAt = version.createdAt;
    return version;
  };

  const setDefault = (policy: StoredPolicy, versionId: string): void => {
    revision += 1;
    policy.defaultVersionId = versionId;
  };

  return {
    policies,
    revision: () => revision,
    put: (name, document) => {
      const now = new Date();
      made += 1;
      const policy: StoredPolicy = {
        name, arn: iotArn(`policy/${name}`), sequence: made, generationId: randomUUID(), createdAt: now, changedAt: now, versions: new Map(), defaultVersionId: '', lastVersion: 0,
      };
      setDefault(policy, addVersion(policy, document).id);
      policies.set(name, policy);
      return policy;
    },
    addVersion,
    setDefault,
    remove: (name) => {
      revision += 1;
      policies.delete(name);
    },
    policyOf: (name) => {
      const policy = policies.get(name);
      return policy?.versions.get(policy.defaultVersionId)?.policy ?? silent;
    },
  };
};
