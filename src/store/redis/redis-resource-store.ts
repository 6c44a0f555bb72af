import type { AuditEntry, ResourceChange, ResourceSnapshot, ResourceStore, StoredResource } from '../../api/ports.js';
import { BridgeError } from '../../errors.js';
import { openChangeFeed } from './change-feed.js';
import type { RedisLink } from './redis-link.js';
import type { RedisAddress } from './redis-options.js';
import { readResourcesScript, writeResourcesScript } from './resource-scripts.js';
import { readStreamPage } from './stream-page.js';

export interface RedisResourceStore extends ResourceStore {
  /** Looks whether something changed, because Redis is back. */
  look(): void;
}

export interface RedisResourceStoreOptions {
  readonly link: RedisLink;
  readonly address: RedisAddress;
  readonly tag: string;
  readonly pollMs: number;
  readonly now: () => number;
  /** Called once, when it is closed. */
  readonly closed: () => void;
}

/** At least so many audit entries are kept; Redis drops the older ones by whole blocks. */
const keptAudits = 10_000;

type Named = Pick<StoredResource, 'kind' | 'id' | 'document'>;

/** The document stands at the end, so the numbers before it can be read without it. */
const resourceOf = (text: string): StoredResource => {
  const [, revision, createdAt, updatedAt, named = ''] = /^(\d+) (\d+) (\d+) (.*)$/s.exec(text) ?? [];
  const { kind, id, document } = JSON.parse(named) as Named;
  return { kind, id, revision: Number(revision), document, createdAt: Number(createdAt), updatedAt: Number(updatedAt) };
};

const inOrder = (one: StoredResource, other: StoredResource): number => {
  const [left, right] = [`${one.kind}/${one.id}`, `${other.kind}/${other.id}`];
  return left < right ? -1 : 1;
};

const snapshotOf = ([version, ...texts]: readonly string[]): ResourceSnapshot => ({ version: Number(version), resources: texts.map(resourceOf).sort(inOrder) });

const fieldOf = ({ kind, id }: Pick<StoredResource, 'kind' | 'id'>): string => `${kind}/${id}`;

const argumentsOf = (change: ResourceChange): string[] => {
  if ('remove' in change) return ['remove', fieldOf(change.remove), ''];
  const { kind, id, document } = change.put;
  return ['put', fieldOf(change.put), JSON.stringify({ kind, id, document })];
};

/** Resources in one hash beside their version, and the audit in a stream; a script changes all three or nothing. */
export const createRedisResourceStore = ({ link, address, tag, pollMs, now, closed }: RedisResourceStoreOptions): RedisResourceStore => {
  const channel = `${tag}:resources`;
  const version = async (): Promise<number> => Number((await link.run((client) => client.get(`${tag}:resources:version`))) ?? 0);
  const feed = openChangeFeed({ address, channel, version, pollMs });

  return {
    read: async () => snapshotOf((await link.call(readResourcesScript)) as string[]),
    async write(changes, before, audit) {
      const args = [String(before), Math.trunc(now()), JSON.stringify(audit), channel, keptAudits, ...changes.flatMap(argumentsOf)];
      const written = (await link.call(writeResourcesScript, ...args)) as string[];
      if (written.length === 0) throw new BridgeError('resource_changed');
      const snapshot = snapshotOf(written);
      feed.made(snapshot.version);
      return snapshot;
    },
    async audit(entry) {
      await link.run((client) => client.xadd(`${tag}:audit`, 'MAXLEN', '~', keptAudits, '*', 'text', JSON.stringify(entry)));
    },
    async audits(page) {
      const { entries, ...rest } = await readStreamPage(link, `${tag}:audit`, page);
      return { entries: entries.map(({ text }) => JSON.parse(text) as AuditEntry), ...rest };
    },
    onChange: (listener) => feed.onChange(listener),
    look: () => feed.look(),
    async close() {
      feed.close();
      closed();
    },
  };
};
