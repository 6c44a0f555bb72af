import type { ConnectionStatus } from '../aws/aws-connection.js';
import type { SubscriberStatus } from '../aws/subscriber.js';
import type { BridgeEvent, NoteEvent } from '../messages/bridge-event.js';
import type { ShownConnectionState } from '../api/resources/live-status.js';
import type { Reason } from '../errors.js';
import { shownState } from './connection-state.js';

/** Turns what happens to a connection into events. */
export interface EventNotes {
  readonly connection: (status: Pick<ConnectionStatus, 'state' | 'reason' | 'detail'>) => void;
  readonly downlinks: (status: Pick<SubscriberStatus, 'state' | 'reason' | 'detail'>) => void;
}

const levelOf = (state: ShownConnectionState, reason: Reason | undefined): BridgeEvent['level'] => {
  if (state === 'UNREACHABLE' || state === 'AUTHENTICATION_FAILED') return 'error';
  return reason === undefined ? 'info' : 'warning';
};

export const createEventNotes = (connectionId: string, note: NoteEvent): EventNotes => {
  const told = (what: string) => {
    let last = '';
    return ({ state, reason, detail }: Pick<ConnectionStatus, 'state' | 'reason' | 'detail'>): void => {
      const shown = shownState(true, state);
      // Each connect passes through these two on its way; an event for each would hide the others.
      if (shown === last || shown === 'AUTHENTICATING') return;
      last = shown;
      note({
        subject: { kind: 'connection', id: connectionId },
        time: Date.now(),
        level: levelOf(shown, reason),
        text: `${what}${shown}`,
        ...(reason === undefined ? {} : { reason }),
        ...(detail === undefined ? {} : { detail }),
      });
    };
  };
  return { connection: told('state '), downlinks: told('downlinks ') };
};
