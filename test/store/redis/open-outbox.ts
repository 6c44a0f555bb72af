import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openRedisOutbox, type OutboxTuning, type RedisOutbox, type RedisOutboxOptions } from '../../../src/store/redis/outbox/redis-outbox.js';
import type { SharedOutboxListener } from '../../../src/uplink/ports.js';
import { clientFor } from './open-store.js';

/** The keys of the tests begin with it. */
export const keyOf = (keyPrefix: string, name: string): string => `{${keyPrefix}}:${name}`;

/** What an outbox told, as texts in their order. */
export interface Told {
  readonly listener: SharedOutboxListener;
  readonly lines: string[];
  /** So many were told as found, less those told as moved. */
  balance(connectionId?: string): number;
}

export const newTold = (): Told => {
  const lines: string[] = [];
  const balances = new Map<string, number>();
  const count = (connectionId: string, messages: number): void => void balances.set(connectionId, (balances.get(connectionId) ?? 0) + messages);
  return {
    lines,
    balance: (connectionId = 'main') => balances.get(connectionId) ?? 0,
    listener: {
      found(connectionId, messages) {
        lines.push(`found ${messages} ${connectionId}`);
        count(connectionId, messages);
      },
      moved(connectionId, messages) {
        lines.push(`moved ${messages} ${connectionId}`);
        count(connectionId, -messages);
      },
      rewound: (connectionId, lost) => void lines.push(`rewound ${connectionId}${lost ? ', lost' : ''}`),
      more: (connectionId) => void lines.push(`more ${connectionId}`),
    },
  };
};

/** Holds slots in Redis as the keeper of slots does, without ever renewing them. */
export interface Holder {
  readonly slot: () => { readonly slot: string; readonly token: string };
  /** Takes a slot as one's own. */
  take(slot: string): Promise<void>;
  /** Takes an orphan beside it. */
  takeOver(slot: string): Promise<void>;
  /** Slots that the outbox said were lost. */
  readonly lost: string[];
}

export const holderFor = (t: Test, url: string, keyPrefix: string): Holder => {
  const client = clientFor(t, url);
  const token = randomBytes(8).toString('hex');
  let current = '';
  const write = async (slot: string): Promise<void> => {
    await client.set(keyOf(keyPrefix, `lease:${slot}`), token, 'PX', 600_000);
    await client.hset(keyOf(keyPrefix, 'slots:holders'), slot, token);
    await client.sadd(keyOf(keyPrefix, 'slots'), slot);
  };
  return {
    slot: () => ({ slot: current, token }),
    async take(slot) {
      await write(slot);
      current = slot;
    },
    takeOver: write,
    lost: [],
  };
};

export interface OpenedOutbox {
  readonly outbox: RedisOutbox;
  readonly holder: Holder;
  readonly told: Told;
}

export interface OutboxChanges extends Partial<Omit<RedisOutboxOptions, 'slot' | 'listener'>> {
  /** Its slot; `a` by default. */
  readonly name?: string;
  /** Who says which slot it has instead. */
  readonly current?: RedisOutboxOptions['slot'];
}

/** An outbox with a slot on a Redis, closed with the test. When its slot is lost, it goes on under the next letter. */
export const openOutbox = async (t: Test, url: string, { name = 'a', current, ...changes }: OutboxChanges = {}, tuning: Partial<OutboxTuning> = {}): Promise<OpenedOutbox> => {
  const keyPrefix = changes.keyPrefix ?? 'shared';
  const holder = holderFor(t, url, keyPrefix);
  const told = newTold();
  if (current === undefined) await holder.take(name);
  const outbox = await openRedisOutbox(
    {
      url,
      keyPrefix,
      maxBytes: 50_000_000,
      maxMessages: 1_000_000,
      dedupWindowMs: 7_200_000,
      parkedMaxBytes: 10_000_000,
      logger: createLogger('silent'),
      slot: current ?? holder.slot,
      async lost(slot) {
        holder.lost.push(slot);
        if (holder.slot().slot === slot) await holder.take(`${slot}2`);
      },
      listener: () => told.listener,
      ...changes,
    },
    tuning,
  );
  t.teardown(() => outbox.close());
  return { outbox, holder, told };
};
