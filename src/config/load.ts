import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { trustedRoots } from './endpoint.js';
import { applyEnvironment } from './environment.js';
import { interpolate } from './interpolate.js';
import { outOfDate } from './out-of-date.js';
import { prepare, unreadable, type PrepareContext } from './prepare.js';
import { ConfigError, pathText, type Problem } from './problem.js';
import { bridgeSchema, type BridgeConfig } from './schema.js';
import { nodeOf } from './schema-node.js';
import { configWarnings } from './warnings.js';
import { parseYaml } from './yaml-text.js';

export interface LoadOptions {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a relative `file` is resolved against; the process's own working directory by default. */
  readonly cwd?: string;
}

export interface LoadedConfig {
  readonly config: BridgeConfig;
  readonly warnings: readonly Problem[];
  readonly origin: Origin;
}

/** Where the values came from, for `print-config`. */
export interface Origin {
  /** The configuration file, absolute. */
  readonly file: string;
  /** What the schema was given: the file with the environment laid over it and all references followed. Holds secrets in clear text. */
  readonly tree: unknown;
  /** Path of a key to the absolute name of the file that `*_file` named. */
  readonly files: ReadonlyMap<string, string>;
}

const readConfigFile = (file: string): unknown => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([{ path: file, message: code === 'ENOENT' ? 'the file does not exist' : `cannot be read (${code ?? 'unknown error'})` }]);
  }
  return parseYaml(text) ?? {};
};

const unreadablePaths = (tree: unknown, path: readonly PropertyKey[] = []): string[] => {
  if (tree === unreadable) return [pathText(path)];
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([key, value]) => unreadablePaths(value, [...path, Array.isArray(tree) ? Number(key) : key]));
};

const validate = (tree: unknown, problems: Problem[]): BridgeConfig => {
  // A value that could not be had at all was told already; that it is also missing is no news.
  const told = new Set([...unreadablePaths(tree), ...problems.map(({ path }) => path)]);
  const result = bridgeSchema.safeParse(tree);
  const issues = result.success ? [] : result.error.issues.map((issue): Problem => ({ path: issue.path.length === 0 ? 'file' : pathText(issue.path), message: issue.message }));
  const isTold = (path: string): boolean => told.has(path) || [...told].some((one) => one.startsWith(`${path}[`));
  const all = [...problems, ...issues.filter(({ path }) => !isTold(path)), ...outOfDate(nodeOf(bridgeSchema), tree)];
  if (result.success && all.length === 0) return result.data;
  throw new ConfigError(all);
};

/**
 * Reads, completes and checks the configuration. Order: the file, `${VAR}` in its values, `LPWAN_*` over it, `*_file`, the schema.
 * @throws ConfigError (config_invalid) with every problem found
 */
export const loadConfig = ({ file: name, env, cwd = process.cwd() }: LoadOptions): LoadedConfig => {
  const file = resolve(cwd, name);
  const root = nodeOf(bridgeSchema);
  const problems: Problem[] = [];
  const context: PrepareContext = { folder: dirname(file), problems, files: new Map() };
  const filled = interpolate(readConfigFile(file), env, problems);
  const tree = prepare(root, applyEnvironment(filled, env, root, problems), [], context);
  const config = validate(tree, problems);
  // A Node without the Amazon roots is found here, not at the first connect.
  for (const { configuration } of config.connections) trustedRoots(configuration);
  return { config, warnings: configWarnings(config), origin: { file, tree, files: context.files } };
};
