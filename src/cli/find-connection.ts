import type { ConnectionConfig } from '../config/connection.js';
import type { LoadedConfig } from '../config/load.js';
import { BridgeError } from '../errors.js';
import { parseArguments, UsageError } from './arguments.js';
import { loadOrReport } from './check-config.js';
import type { Io } from './command.js';
import { privateApiOf, type PrivateApi } from './private-api.js';

/** A connection that a command names: one of the file, or one that only the running bridge knows. */
export interface NamedConnection {
  readonly id: string;
  readonly loaded: LoadedConfig;
  /** Absent: it is not in the file. */
  readonly config?: ConnectionConfig;
  readonly api: PrivateApi;
}

const options = { config: { type: 'string', short: 'c' }, url: { type: 'string' }, json: { type: 'boolean' }, apply: { type: 'boolean' } } as const;

/** What such a command was given. */
export interface ConnectionArguments {
  readonly words: readonly string[];
  readonly json: boolean;
  readonly apply: boolean;
  readonly config: string | undefined;
  readonly url: string | undefined;
}

/** @throws UsageError */
export const connectionArguments = (args: readonly string[]): ConnectionArguments => {
  const { values, positionals } = parseArguments(args, options, true);
  const { json = false, apply = false, config, url } = values;
  return { words: positionals, json, apply, config, url };
};

/** Finds the connection in the file, or says where the running bridge is asked. A number is the exit code. @throws UsageError */
export const findConnection = (id: string | undefined, given: ConnectionArguments, io: Io): NamedConnection | number => {
  if (id === undefined) throw new UsageError('CONNECTION is missing');
  const loaded = loadOrReport(given.config === undefined ? [] : ['--config', given.config], io);
  if (typeof loaded === 'number') return loaded;
  const config = loaded.config.connections.find((one) => one.id === id);
  const api = privateApiOf(loaded.config, io.env);
  return { id, loaded, api: given.url === undefined ? api : { ...api, url: given.url.replace(/\/$/, '') }, ...(config === undefined ? {} : { config }) };
};

/** Runs a command's work; a failure of the bridge or of its API is told in its own words. */
export const reporting = async (io: Io, work: () => Promise<number>): Promise<number> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return 1;
  }
};
