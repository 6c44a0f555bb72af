import { resourceNode, type ResourceConfigs } from '../../config/read-resource.js';
import type { SchemaNode } from '../../config/schema-node.js';
import type { ResourceKind } from '../ports.js';

/** What a document of a kind becomes when it is read. */
export type ConfigOf = ResourceConfigs;

export interface KindRow {
  readonly node: SchemaNode;
  /** The list of it in the API: `/connections`. */
  readonly path: string;
  /** For people: `network server`. */
  readonly name: string;
  /** Keys of its answers that no document has. */
  readonly shownKeys: readonly string[];
}

const shownKeys = ['origin', 'revision', 'createdAt', 'updatedAt', 'problems'];

export const kindRows: Readonly<Record<ResourceKind, KindRow>> = {
  connection: {
    node: resourceNode('connection'),
    path: '/connections',
    name: 'connection',
    shownKeys: [...shownKeys, 'state', 'startupTime', 'since', 'lastError', 'pending', 'sessions', 'inFlight', 'connects', 'downlinks', 'certificate', 'things'],
  },
  'network-server': { node: resourceNode('network-server'), path: '/network-servers', name: 'network server', shownKeys: [...shownKeys, 'webhook', 'lastMessageAt', 'downlinks'] },
  flow: { node: resourceNode('flow'), path: '/flows', name: 'flow', shownKeys },
};
