import type { ConnectionState } from '../aws/connection-state.js';

/** The states of a connection as ThingPark X's users know them. */
export type ShownState = 'OPENING' | 'OPENED' | 'CLOSED' | 'AUTHENTICATING' | 'AUTHENTICATION_FAILED' | 'UNREACHABLE' | 'DEACTIVATED';

const shown: Readonly<Record<ConnectionState, ShownState>> = {
  opening: 'OPENING',
  authenticating: 'AUTHENTICATING',
  authentication_failed: 'AUTHENTICATION_FAILED',
  opened: 'OPENED',
  unreachable: 'UNREACHABLE',
  closed: 'CLOSED',
};

export const shownState = (active: boolean, state: ConnectionState | undefined): ShownState => {
  if (!active) return 'DEACTIVATED';
  return state === undefined ? 'CLOSED' : shown[state];
};
