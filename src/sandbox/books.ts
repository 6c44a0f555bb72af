import type { ApiOperationName } from './api-limits.js';
import type { CloseReason, RefusalReason } from './reason-code.js';

/** A publish as AWS received it. */
export interface AcceptedPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly clientId: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Why a publish vanished while its connection stayed. */
export type DiscardReason = 'publish_rate' | 'qos_not_supported' | 'receive_maximum' | 'misbehaviour';

/** What happened to a session or a publish, other than being accepted. `at` is epoch ms. */
export type SandboxNotice =
  | { readonly kind: 'session-opened'; readonly at: number; readonly clientId: string; readonly protocolVersion: 4 | 5; readonly sessionPresent: boolean }
  | { readonly kind: 'session-closed'; readonly at: number; readonly clientId: string; readonly reason: CloseReason }
  | { readonly kind: 'connect-refused'; readonly at: number; readonly clientId: string; readonly reason: RefusalReason }
  | { readonly kind: 'discarded'; readonly at: number; readonly clientId: string; readonly topic: string; readonly reason: DiscardReason };

/** By operation. */
export type ApiCounts = Readonly<Partial<Record<ApiOperationName, number>>>;

/** Counters since the sandbox was created; they outlive `stop()`. */
export interface SandboxStats {
  /** Publishes of clients that the broker took. */
  readonly accepted: number;
  readonly discarded: Readonly<Partial<Record<DiscardReason, number>>>;
  /** PUBLISH packets written to clients. */
  readonly delivered: number;
  /** Messages for an absent client or group that were dropped: the store is full. */
  readonly storeFull: number;
  readonly sessionsOpened: number;
  readonly sessionsOpen: number;
  readonly sessionsClosed: Readonly<Partial<Record<CloseReason, number>>>;
  readonly connectsRefused: Readonly<Partial<Record<RefusalReason, number>>>;
  /** Calls of the API, whatever became of them, and how many of them were throttled, by a limit or by a rule of misbehaviour. */
  readonly api: { readonly calls: ApiCounts; readonly throttled: ApiCounts };
}

/** Removes the listener. */
export type Unsubscribe = () => void;

/** Counts what the broker does and tells those who listen. */
export interface Books {
  onPublish(listener: (publish: AcceptedPublish) => void): Unsubscribe;
  onNotice(listener: (notice: SandboxNotice) => void): Unsubscribe;
  accepted(publish: AcceptedPublish): void;
  note(notice: SandboxNotice): void;
  delivered(): void;
  storeFull(): void;
  called(operation: ApiOperationName): void;
  throttled(operation: ApiOperationName): void;
  stats(): SandboxStats;
}

const listenTo = <T>(listeners: Set<T>, listener: T): Unsubscribe => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

const count = <K extends string>(counts: Partial<Record<K, number>>, key: K): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};

export const createBooks = (): Books => {
  const publishListeners = new Set<(publish: AcceptedPublish) => void>();
  const noticeListeners = new Set<(notice: SandboxNotice) => void>();
  const totals = { accepted: 0, delivered: 0, storeFull: 0, sessionsOpened: 0, sessionsOpen: 0 };
  const discarded: Partial<Record<DiscardReason, number>> = {};
  const sessionsClosed: Partial<Record<CloseReason, number>> = {};
  const connectsRefused: Partial<Record<RefusalReason, number>> = {};
  const calls: Partial<Record<ApiOperationName, number>> = {};
  const throttled: Partial<Record<ApiOperationName, number>> = {};

  const enter = (notice: SandboxNotice): void => {
    switch (notice.kind) {
      case 'session-opened':
        totals.sessionsOpened += 1;
        totals.sessionsOpen += 1;
        return;
      case 'session-closed':
        totals.sessionsOpen -= 1;
        return count(sessionsClosed, notice.reason);
      case 'connect-refused':
        return count(connectsRefused, notice.reason);
      case 'discarded':
        return count(discarded, notice.reason);
    }
  };

  return {
    onPublish: (listener) => listenTo(publishListeners, listener),
    onNotice: (listener) => listenTo(noticeListeners, listener),
    accepted: (publish) => {
      totals.accepted += 1;
      for (const listener of publishListeners) listener(publish);
    },
    note: (notice) => {
      enter(notice);
      for (const listener of noticeListeners) listener(notice);
    },
    delivered: () => {
      totals.delivered += 1;
    },
    storeFull: () => {
      totals.storeFull += 1;
    },
    called: (operation) => count(calls, operation),
    throttled: (operation) => count(throttled, operation),
    stats: () => ({
      ...totals,
      discarded: { ...discarded },
      sessionsClosed: { ...sessionsClosed },
      connectsRefused: { ...connectsRefused },
      api: { calls: { ...calls }, throttled: { ...throttled } },
    }),
  };
};
