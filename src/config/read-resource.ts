import { BridgeError } from '../errors.js';
import { connectionSchema, type ConnectionConfig } from './connection.js';
import { trustedRoots } from './endpoint.js';
import { orItsFile } from './field.js';
import { flowSchema, type FlowConfig } from './flow.js';
import { networkServerSchema, type NetworkServerConfig } from './network-server.js';
import { outOfDate } from './out-of-date.js';
import { prepare, type PrepareContext } from './prepare.js';
import { pathText, type Problem } from './problem.js';
import { nodeOf, type SchemaNode } from './schema-node.js';
import { connectionWarnings, networkServerWarnings } from './warnings.js';

/** What each kind of resource is once it is read. */
export interface ResourceConfigs {
  readonly connection: ConnectionConfig;
  readonly 'network-server': NetworkServerConfig;
  readonly flow: FlowConfig;
}

export type ResourceKind = keyof ResourceConfigs;
export type ResourceConfig = ResourceConfigs[ResourceKind];

const schemas = { connection: connectionSchema, 'network-server': networkServerSchema, flow: flowSchema };
const nodes: Readonly<Record<ResourceKind, SchemaNode>> = { connection: nodeOf(connectionSchema), 'network-server': nodeOf(networkServerSchema), flow: nodeOf(flowSchema) };

/** The schema of a kind as the API shows it: the id may be left out, where it is made up or stands in the address. */
export const resourceNode = (kind: ResourceKind): SchemaNode => {
  const node = nodes[kind];
  if (node.kind !== 'section') return node;
  return { ...node, keys: new Map([...node.keys].map(([key, child]) => [key, key === 'id' ? { ...child, required: false } : child])) };
};

export type ResourceReading<K extends ResourceKind> =
  | {
      readonly ok: true;
      readonly config: ResourceConfigs[K];
      /** The document as the schema read it: without keys that have no value, defaults that depend on other keys filled in. Holds secrets in clear text. */
      readonly tree: unknown;
      /** With `allowExpired`: what has expired since. */
      readonly problems: readonly Problem[];
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface ReadOptions {
  /** An expired certificate is told in `problems` and is no reason to refuse: for what was right when it was stored. */
  readonly allowExpired?: boolean;
}

/** There is no file to read from, so what is told of one would mislead. */
const withoutFile = (message: string): string => (message.endsWith(orItsFile) ? message.slice(0, -orItsFile.length) : message);

/** A Node without the Amazon roots is found here, not at the first connect. */
const rootProblems = ({ configuration }: ConnectionConfig): Problem[] => {
  try {
    trustedRoots(configuration);
    return [];
  } catch (error) {
    if (error instanceof BridgeError) return [{ path: 'configuration.caCertificate', message: error.detail ?? error.message }];
    throw error;
  }
};

const furtherProblems = (kind: ResourceKind, config: ResourceConfig): Problem[] => (kind === 'connection' ? rootProblems(config as ConnectionConfig) : []);

const warningsOf = (kind: ResourceKind, config: ResourceConfig): Problem[] => {
  if (kind === 'flow') return [];
  return kind === 'connection' ? connectionWarnings(config as ConnectionConfig) : networkServerWarnings(config as NetworkServerConfig);
};

/**
 * Reads a document of the API by the same schema as the file. Nothing is taken from the environment or from files: `${VAR}` is text,
 * keys with `_file` are unknown. The id must be there; who takes a document without one makes it up first.
 * Paths of problems are `configuration.maxClients`, `body` for the document itself; messages quote no value.
 */
export const readResource = <K extends ResourceKind>(kind: K, document: unknown, { allowExpired = false }: ReadOptions = {}): ResourceReading<K> => {
  const problems: Problem[] = [];
  const context: PrepareContext = { folder: '/', problems, files: new Map(), readFiles: false };
  const tree = prepare(nodes[kind], document, [], context);
  const result = schemas[kind].safeParse(tree);
  const expired = outOfDate(nodes[kind], tree);
  const told = new Set(problems.map(({ path }) => path));
  const issues = (result.error?.issues ?? []).map((issue): Problem => ({ path: pathText(issue.path) || 'body', message: withoutFile(issue.message) })).filter(({ path }) => !told.has(path));
  const wrong = [...problems, ...issues, ...(allowExpired ? [] : expired)];
  if (!result.success || wrong.length > 0) return { ok: false, problems: wrong };
  const further = furtherProblems(kind, result.data);
  if (further.length > 0) return { ok: false, problems: further };
  return { ok: true, config: result.data as ResourceConfigs[K], tree, problems: expired, warnings: warningsOf(kind, result.data) };
};
