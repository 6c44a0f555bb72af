import type { ShownConnectionState } from '../api/resources/live-status.js';
import type { ConnectionState } from '../aws/connection-state.js';

const shown: Readonly<Record<ConnectionState, ShownConnectionState>> = {
  opening: 'OPENING',
  authenticating: 'AUTHENTICATING',
  authentication_failed: 'AUTHENTICATION_FAILED',
  opened: 'OPENED',
  unreachable: 'UNREACHABLE',
  closed: 'CLOSED',
};

export const shownState = (active: boolean, state: ConnectionState | undefined): ShownConnectionState => {
  if (!active) return 'DEACTIVATED';
  return state === undefined ? 'CLOSED' : shown[state];
};
