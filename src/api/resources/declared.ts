import type { LoadedConfig } from '../../config/load.js';
import type { JsonObject, ResourceKind } from '../ports.js';
import { isJsonObject } from './json-object.js';
import { kindRows, type ConfigOf } from './kinds.js';
import { maskSecrets } from './secrets.js';

/** A resource of the configuration file. */
export interface DeclaredResource<K extends ResourceKind> {
  readonly config: ConfigOf[K];
  /** As it stands in the file, with its secrets masked. */
  readonly shown: JsonObject;
}

/** The resources of the configuration file. */
export interface Declared {
  readonly networkServers: readonly DeclaredResource<'network-server'>[];
  readonly connections: readonly DeclaredResource<'connection'>[];
  readonly flows: readonly DeclaredResource<'flow'>[];
}

const entriesOf = (tree: unknown, key: string): readonly unknown[] => {
  const entries = isJsonObject(tree) ? tree[key] : undefined;
  return Array.isArray(entries) ? entries : [];
};

const declare = <K extends ResourceKind>(kind: K, configs: readonly ConfigOf[K][], trees: readonly unknown[]): DeclaredResource<K>[] =>
  configs.map((config, index) => {
    const tree = trees[index];
    return { config, shown: isJsonObject(tree) ? maskSecrets(kindRows[kind].node, tree) : { id: config.id } };
  });

/** The resources of a loaded configuration file, for `createResources`. */
export const declaredResources = ({ config, origin }: Pick<LoadedConfig, 'config' | 'origin'>): Declared => ({
  networkServers: declare('network-server', config.networkServers, entriesOf(origin.tree, 'networkServers')),
  connections: declare('connection', config.connections, entriesOf(origin.tree, 'connections')),
  flows: declare('flow', config.flows, entriesOf(origin.tree, 'flows')),
});
