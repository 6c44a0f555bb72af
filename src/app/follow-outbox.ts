import type { UplinkMetrics } from '../uplink/metrics.js';
import type { Lines } from './lines.js';
import type { OutboxEars, OpenOutbox } from './open-outbox.js';
import type { TakeOver } from './take-over.js';

export interface OutboxFollowers {
  readonly lines: Pick<Lines, 'get' | 'reslot'>;
  readonly metrics: Pick<UplinkMetrics, 'restored' | 'moved'>;
  readonly takeOver: TakeOver;
}

/** Tells the rest of the bridge what changes in an outbox that replicas share; nobody before `attach`, since what is there then is read anyway. */
export interface OutboxNews {
  readonly ears: OutboxEars;
  attach(followers: OutboxFollowers, shared: OpenOutbox['shared']): void;
}

export const createOutboxNews = (): OutboxNews => {
  let followers: OutboxFollowers | undefined;
  return {
    ears: {
      // A connection without a line begins its books with what waits when it is opened.
      found: (connectionId, messages) => followers?.metrics.restored(connectionId, messages),
      moved: (connectionId, messages) => followers?.metrics.moved(connectionId, messages),
      more: (connectionId) => followers?.lines.get(connectionId)?.more(),
      rewound: (connectionId, lost) => followers?.lines.get(connectionId)?.reread(lost),
      reslotted: (position) => followers?.lines.reslot(position),
      orphan: (slot) => followers?.takeOver.begin(slot),
    },
    attach(attached, shared) {
      followers = attached;
      for (const slot of shared?.keeper.orphans() ?? []) attached.takeOver.begin(slot);
    },
  };
};
