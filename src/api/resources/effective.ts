import type { ResourceKind } from '../ports.js';
import { entriesOf, type Books } from './books.js';
import type { Entry, Failure } from './entry.js';
import type { ConfigOf } from './kinds.js';

/** A resource that can be used, with its secrets in clear text. */
export interface Live<T> {
  readonly id: string;
  readonly config: T;
  /** Changes exactly when what the resource says changes. */
  readonly revision: string;
  readonly origin: 'file' | 'api';
  /** Epoch ms; absent for one of the file. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
}

/** A stored resource that cannot be used: what is meant for it is to be kept until it can. */
export interface FailedResource extends Failure {
  readonly kind: ResourceKind;
  readonly id: string;
}

/** Everything that is to be in force. */
export interface Effective {
  readonly networkServers: ReadonlyMap<string, Live<ConfigOf['network-server']>>;
  readonly connections: ReadonlyMap<string, Live<ConfigOf['connection']>>;
  /** Each names only connections and network servers that exist: a reference that the file broke is left out, and a flow without any is no flow. */
  readonly flows: ReadonlyMap<string, Live<ConfigOf['flow']>>;
  readonly failed: readonly FailedResource[];
}

/** A connection that this process deleted. In other replicas it is just gone: they park what waits there, which loses nothing. */
export interface Removal {
  readonly connectionId: string;
  readonly backlog: 'park' | 'discard';
}

const liveOf = <K extends ResourceKind>({ id, config, fingerprint, origin, stored }: Entry<K>): Live<ConfigOf[K]>[] => {
  if (config === undefined) return [];
  const times = stored === undefined ? {} : { createdAt: stored.createdAt, updatedAt: stored.updatedAt };
  return [{ id, config, revision: fingerprint, origin, ...times }];
};

const mapOf = <K extends ResourceKind>(books: Books, kind: K): Map<string, Live<ConfigOf[K]>> => new Map(entriesOf(books, kind).flatMap(liveOf).map((live) => [live.id, live]));

interface Ids {
  readonly connections: ReadonlySet<string>;
  readonly networkServers: ReadonlySet<string>;
}

const idsOf = (books: Books): Ids => {
  const ids = (kind: ResourceKind): Set<string> => new Set(entriesOf(books, kind).map(({ id }) => id));
  return { connections: ids('connection'), networkServers: ids('network-server') };
};

const withoutBroken = (flow: Live<ConfigOf['flow']>, ids: Ids): Live<ConfigOf['flow']>[] => {
  const connections = flow.config.connections.filter((id) => ids.connections.has(id));
  const networkServers = flow.config.networkServers?.filter((id) => ids.networkServers.has(id));
  // No network server named means any, so a flow whose own are all gone must not become one.
  if (connections.length === 0 || (networkServers?.length === 0 && flow.config.networkServers?.length !== 0)) return [];
  const whole = connections.length === flow.config.connections.length && networkServers?.length === flow.config.networkServers?.length;
  if (whole) return [flow];
  const config = { ...flow.config, connections, ...(networkServers === undefined ? {} : { networkServers }) };
  return [{ ...flow, config, revision: `${flow.revision}-${connections.length}-${networkServers?.length ?? 0}` }];
};

export const effectiveOf = (books: Books): Effective => {
  const ids = idsOf(books);
  return {
    networkServers: mapOf(books, 'network-server'),
    connections: mapOf(books, 'connection'),
    flows: new Map([...mapOf(books, 'flow').values()].flatMap((flow) => withoutBroken(flow, ids)).map((flow) => [flow.id, flow])),
    failed: books.entries.flatMap(({ kind, id, failure }) => (failure === undefined ? [] : [{ kind, id, ...failure }])),
  };
};
