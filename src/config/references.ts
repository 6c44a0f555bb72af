import type { Loose, Report } from './field.js';

/** The entries of a list that may still be wrong, each as far as it is a mapping. */
const entriesOf = (list: unknown): Loose[] => (Array.isArray(list) ? list.map((entry: unknown) => (typeof entry === 'object' && entry !== null ? (entry as Loose) : {})) : []);

const textsOf = (list: unknown): [number, string][] => (Array.isArray(list) ? list.flatMap((entry: unknown, index): [number, string][] => (typeof entry === 'string' ? [[index, entry]] : [])) : []);

const checkUnique = (name: string, entries: unknown, report: Report): void => {
  const ids = entriesOf(entries).map(({ id }) => (typeof id === 'string' ? id.toLowerCase() : undefined));
  ids.forEach((id, index) => {
    if (id !== undefined && ids.indexOf(id) < index) report([name, index, 'id'], `is taken by ${name}[${ids.indexOf(id)}] (upper and lower case count as the same)`);
  });
};

const idsIn = (entries: unknown): Set<unknown> => new Set(entriesOf(entries).map(({ id }) => id));

/** The network server that a connection names must be there. */
const checkDownlinkServers = ({ networkServers, connections }: Loose, report: Report): void => {
  const known = idsIn(networkServers);
  entriesOf(connections).forEach(({ configuration }, index) => {
    const named = typeof configuration === 'object' && configuration !== null ? (configuration as Loose)['downlinkNetworkServer'] : undefined;
    if (typeof named === 'string' && !known.has(named)) report(['connections', index, 'configuration', 'downlinkNetworkServer'], 'is no network server of this file');
  });
};

/** A flow of the file must not depend on what somebody may delete through the API. */
const checkFlows = ({ networkServers, connections, flows }: Loose, report: Report): void => {
  const known = { networkServers: idsIn(networkServers), connections: idsIn(connections) };
  entriesOf(flows).forEach((flow, index) => {
    for (const [at, id] of textsOf(flow['networkServers'])) if (!known.networkServers.has(id)) report(['flows', index, 'networkServers', at], 'is no network server of this file');
    for (const [at, id] of textsOf(flow['connections'])) if (!known.connections.has(id)) report(['flows', index, 'connections', at], 'is no connection of this file');
  });
};

/** What holds between the resources of a file, which is checked alone: those of the API are not known to it. */
export const checkResources = (config: Loose, report: Report): void => {
  const { networkServers, connections, flows } = config;
  for (const [name, entries] of Object.entries({ networkServers, connections, flows })) checkUnique(name, entries, report);
  checkDownlinkServers(config, report);
  checkFlows(config, report);
  if (entriesOf(connections).length > 1 && entriesOf(flows).length === 0) report(['flows'], "needs at least one entry with two or more connections, so that no customer's data reaches another");
};

/** What one part of the file asks of another. */
export const checkStores = ({ outbox, redis }: Loose, report: Report): void => {
  const store = typeof outbox === 'object' && outbox !== null ? (outbox as Loose)['store'] : undefined;
  if (store === 'redis' && redis === undefined) report(['outbox', 'store'], 'needs redis: where it is must be said there, or in REDIS_URL');
};
