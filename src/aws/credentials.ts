import { BridgeError, messageOf } from '../errors.js';
import { deadlineIn, within } from '../lifecycle.js';

/** What signs requests to AWS (SigV4). */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Absent: they do not expire by themselves. */
  readonly expiration?: Date;
}

/**
 * Gives credentials that are still valid for a while; asked before each use, it answers from memory until shortly before they expire.
 * @throws BridgeError aws_credentials_missing
 */
export type CredentialSource = () => Promise<AwsCredentials>;

/** A role that is assumed with the credentials one has (STS AssumeRole). */
export interface AssumeRole {
  readonly roleArn: string;
  /** What the owner of the role asks of third parties. */
  readonly externalId?: string;
  readonly sessionName: string;
  /** URL of STS where it is not AWS's own. */
  readonly endpoint?: string;
}

export interface CredentialOptions {
  readonly region: string;
  /** `provider-chain`: environment, shared files, web identity, role of the task or of the instance, as in every AWS SDK. */
  readonly from: { readonly kind: 'access-key'; readonly accessKeyId: string; readonly secretAccessKey: string } | { readonly kind: 'provider-chain' };
  readonly assumeRole?: AssumeRole;
}

/** New ones are fetched so long before the end; AWS's SDKs do the same. */
const refreshBeforeMs = 5 * 60_000;
/** Credentials without an end come from files and variables that somebody may change. */
const rereadAfterMs = 10 * 60_000;
/** With the end so near, credentials that could not be renewed are no longer given out. */
const unusableBeforeMs = 30_000;
/** An answer of STS or of an instance takes milliseconds. */
const connectTimeoutMs = 5_000;
const fetchTimeoutMs = 15_000;
const detailLength = 400;

const missing = (detail: string): BridgeError => new BridgeError('aws_credentials_missing', { detail: detail.slice(0, detailLength) });

/** STS repeats what it was sent when a signature does not match; what is secret is taken out wherever it stands. */
const without = (text: string, secrets: readonly (string | undefined)[]): string =>
  secrets.reduce<string>((clean, secret) => (secret === undefined || secret === '' ? clean : clean.replaceAll(secret, '*****')), text);

/** The chain's own words may hold the command line of a `credential_process`, so only the name of the error is told. */
const fromChain = async (): Promise<AwsCredentials> => {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  try {
    return await fromNodeProviderChain({ ignoreCache: true })();
  } catch (error) {
    const name = error instanceof Error ? error.name : 'error';
    throw missing(`no credentials in the provider chain (environment, shared files, web identity, container, instance): ${name}`);
  }
};

const firstCredentials = async ({ from }: CredentialOptions): Promise<AwsCredentials> =>
  from.kind === 'provider-chain' ? fromChain() : { accessKeyId: from.accessKeyId, secretAccessKey: from.secretAccessKey };

const assume = async (region: string, role: AssumeRole, master: AwsCredentials): Promise<AwsCredentials> => {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const provider = fromTemporaryCredentials({
    masterCredentials: master,
    params: { RoleArn: role.roleArn, RoleSessionName: role.sessionName, ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }) },
    clientConfig: {
      region,
      maxAttempts: 2,
      requestHandler: { connectionTimeout: connectTimeoutMs, requestTimeout: fetchTimeoutMs, throwOnRequestTimeout: true },
      ...(role.endpoint === undefined ? {} : { endpoint: role.endpoint }),
    },
  });
  try {
    return await provider();
  } catch (error) {
    const detail = without(messageOf(error), [master.secretAccessKey, master.sessionToken, role.externalId]);
    throw missing(`sts:AssumeRole of ${role.roleArn} failed: ${detail}`);
  }
};

/** Credentials from where the options say, for a role if they name one. */
const fetchCredentials = async (options: CredentialOptions): Promise<AwsCredentials> => {
  const master = await firstCredentials(options);
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = options.assumeRole === undefined ? master : await assume(options.region, options.assumeRole, master);
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }), ...(expiration === undefined ? {} : { expiration }) };
};

const fetchInTime = async (options: CredentialOptions): Promise<AwsCredentials> => {
  const fetching = fetchCredentials(options);
  const inTime = await within(deadlineIn(fetchTimeoutMs), fetching.then(() => undefined));
  if (!inTime) throw missing(`no answer within ${fetchTimeoutMs / 1_000} s`);
  return fetching;
};

/** Callers at the same time share one fetch. A fetch that fails is not remembered. */
export const createCredentials = (options: CredentialOptions): CredentialSource => {
  let cached: { readonly credentials: AwsCredentials; readonly refreshAt: number } | undefined;
  let fetching: Promise<AwsCredentials> | undefined;

  const refresh = async (): Promise<AwsCredentials> => {
    try {
      const credentials = await fetchInTime(options);
      const refreshAt = credentials.expiration === undefined ? Date.now() + rereadAfterMs : credentials.expiration.getTime() - refreshBeforeMs;
      cached = { credentials, refreshAt };
      return credentials;
    } catch (error) {
      const old = cached?.credentials;
      const end = old?.expiration?.getTime() ?? Number.NEGATIVE_INFINITY;
      if (old !== undefined && end - unusableBeforeMs > Date.now()) return old;
      throw error;
    } finally {
      fetching = undefined;
    }
  };

  return async () => {
    if (cached !== undefined && Date.now() < cached.refreshAt) return cached.credentials;
    fetching ??= refresh();
    return fetching;
  };
};
