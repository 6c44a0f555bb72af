import { BridgeError } from '../errors.js';

/** One thing that is wrong, or worth a warning, and where. */
export interface Problem {
  /** `connections[0].configuration.maxClients`; the name of the file or of an environment variable where there is no key. */
  readonly path: string;
  readonly message: string;
}

export const problemLine = ({ path, message }: Problem): string => `${path}: ${message}`;

/** Everything that is wrong with a configuration, at once. Messages never quote the values they are about. */
export class ConfigError extends BridgeError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('config_invalid', { detail: problems.map(problemLine).join('\n') });
    this.problems = problems;
  }
}

export type KeyPath = readonly PropertyKey[];

/** An empty key must be seen too. */
const keyText = (key: PropertyKey): string => (key === '' ? '""' : String(key));

/** `['connections', 0, 'id']` as `connections[0].id`. */
export const pathText = (path: KeyPath): string =>
  path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? keyText(key) : `${text}.${keyText(key)}`), '');
