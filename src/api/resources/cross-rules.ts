import { didYouMean } from '../../config/nearest.js';
import type { Problem } from '../../config/problem.js';
import { BridgeError } from '../../errors.js';
import type { Json, JsonObject, ResourceKind } from '../ports.js';
import { entriesOf, type Books } from './books.js';
import type { Entry } from './entry.js';
import { isJsonObject } from './json-object.js';
import { kindRows } from './kinds.js';

const textsOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter((entry: Json): entry is string => typeof entry === 'string') : []);

/** What a document refers to, read from the document itself, so that one which cannot be used still holds on to the others. */
interface Reference {
  readonly kind: 'connection' | 'network-server';
  readonly id: string;
  readonly path: string;
}

const flowReferences = (document: JsonObject): Reference[] => [
  ...textsOf(document['connections']).map((id, index) => ({ kind: 'connection', id, path: `connections[${index}]` }) as const),
  ...textsOf(document['networkServers']).map((id, index) => ({ kind: 'network-server', id, path: `networkServers[${index}]` }) as const),
];

const connectionReferences = ({ configuration }: JsonObject): Reference[] => {
  const id = isJsonObject(configuration) ? configuration['downlinkNetworkServer'] : undefined;
  return typeof id === 'string' ? [{ kind: 'network-server', id, path: 'configuration.downlinkNetworkServer' }] : [];
};

const referencesOf = (kind: ResourceKind, document: JsonObject): Reference[] => {
  if (kind === 'flow') return flowReferences(document);
  return kind === 'connection' ? connectionReferences(document) : [];
};

/** References to what does not exist. */
export const referenceProblems = (kind: ResourceKind, document: JsonObject, books: Books): Problem[] =>
  referencesOf(kind, document).flatMap(({ kind: wanted, id, path }) => {
    const ids = entriesOf(books, wanted).map((entry) => entry.id);
    return ids.includes(id) ? [] : [{ path, message: `is no ${kindRows[wanted].name}${didYouMean(id, ids)}` }];
  });

/** @throws BridgeError resource_in_use naming the users */
export const refuseInUse = ({ kind, id }: Entry, books: Books): void => {
  const users = books.entries.filter((entry) => referencesOf(entry.kind, entry.shown).some((one) => one.kind === kind && one.id === id));
  if (users.length === 0) return;
  throw new BridgeError('resource_in_use', { detail: `used by ${users.map((user) => `${kindRows[user.kind].name} ${user.id}`).join(', ')}` });
};

/** @throws BridgeError resource_exists; upper and lower case count as the same, because ids stand in addresses and metrics */
export const refuseTaken = (kind: ResourceKind, id: string, books: Books): void => {
  const taken = entriesOf(books, kind).find((entry) => entry.id.toLowerCase() === id.toLowerCase());
  if (taken === undefined) return;
  const where = taken.origin === 'file' ? ', which the configuration file declares' : '';
  throw new BridgeError('resource_exists', { field: 'id', detail: `is taken by ${kindRows[kind].name} ${taken.id}${where}` });
};

/** With two or more connections messages go by flows only. @throws BridgeError flow_required */
export const refuseWithoutFlow = (change: { readonly connections: number; readonly flows: number }, books: Books): void => {
  const connections = entriesOf(books, 'connection').length + change.connections;
  const flows = entriesOf(books, 'flow').length + change.flows;
  if (connections > 1 && flows === 0) throw new BridgeError('flow_required', { detail: `${connections} connections need at least one flow` });
};
