import { BridgeError } from '../errors.js';
import type { BridgeConfig } from '../config/schema.js';

/** Where the private API of a running bridge is, and how to prove oneself there. */
export interface PrivateApi {
  /** `http://127.0.0.1:9090` */
  readonly url: string;
  readonly token?: string;
}

/** Environment variable that holds the token, so that it stands in no list of processes. */
export const tokenVariable = 'LPWAN_API_TOKEN';

/** What the configuration may be set with: the token has the same prefix and is no setting. */
export const settingsIn = ({ [tokenVariable]: _token, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => env;

const reachable = (host: string): string => {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
};

/** The private API of the bridge that runs with this configuration. */
export const privateApiOf = ({ private: listener }: BridgeConfig, env: NodeJS.ProcessEnv): PrivateApi => {
  const token = env[tokenVariable];
  return { url: `${listener.tls === undefined ? 'http' : 'https'}://${reachable(listener.host)}:${listener.port}`, ...(token === undefined || token === '' ? {} : { token }) };
};

const problemText = (status: number, body: string): string => {
  try {
    const { title, detail, errors } = JSON.parse(body) as { title?: string; detail?: string; errors?: readonly { path: string; message: string }[] };
    const lines = (errors ?? []).map(({ path, message }) => `${path}: ${message}`);
    return [detail ?? title ?? `HTTP ${status}`, ...lines].join('\n');
  } catch {
    return `HTTP ${status}`;
  }
};

/** One request, answered with JSON. @throws BridgeError with the answer's own words, or endpoint_unreachable */
export const callPrivateApi = async ({ url, token }: PrivateApi, method: string, path: string): Promise<unknown> => {
  let answer: Response;
  try {
    answer = await fetch(`${url}${path}`, { method, headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });
  } catch (cause) {
    throw new BridgeError('endpoint_unreachable', { detail: `no bridge answers at ${url}; is it running?`, cause });
  }
  const body = await answer.text();
  if (!answer.ok) throw new BridgeError('bad_request', { detail: problemText(answer.status, body) });
  return body === '' ? undefined : (JSON.parse(body) as unknown);
};
