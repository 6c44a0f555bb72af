import type { Reason } from '../errors.js';

/** Whom an event is about. `bridge`: the daemon itself, id `bridge`. */
export interface EventSubject {
  readonly kind: 'connection' | 'network-server' | 'bridge';
  readonly id: string;
}

/** Something that a person who looks after a connection or a network server wants to read afterwards. Holds no secret and no payload. */
export interface BridgeEvent {
  readonly subject: EventSubject;
  /** Epoch ms. */
  readonly time: number;
  readonly level: 'info' | 'warning' | 'error';
  /** What happened, in a few words: `state OPENED`, `uplink skipped`. */
  readonly text: string;
  readonly reason?: Reason;
  readonly detail?: string;
  readonly deviceId?: string;
  readonly messageId?: string;
  readonly downlinkId?: string;
}

/** Takes events. Returns at once and never throws; under a storm of the same event some are left out. */
export type NoteEvent = (event: BridgeEvent) => void;
