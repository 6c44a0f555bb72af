import type { Reason } from '../errors.js';
import type { CloseBlame } from '../uplink/ports.js';

/** MQTT 5 DISCONNECT reason codes (MQTT 5.0, 3.14.2.1) that have a reason of their own here. */
const reasonByCode: Readonly<Record<number, Reason>> = {
  0x87: 'publish_forbidden',
  0x8e: 'client_id_taken_over',
};

/** Codes that speak of the connection, the server or an administrator, never of one publish. */
const innocentCodes = new Set([0x00, 0x88, 0x89, 0x8b, 0x8d, 0x8e, 0x93, 0x96, 0x97, 0x98, 0x9c, 0x9d, 0x9f, 0xa0]);

/** The reason of a session that the broker ended; without a DISCONNECT there is only the fact. */
export const closeReason = (disconnectCode: number | undefined): Reason => (disconnectCode === undefined ? undefined : reasonByCode[disconnectCode]) ?? 'session_lost';

/** Whether the broker may have ended the session because of a publish: AWS closes for a forbidden or illegal one, under MQTT 3.1.1 without a word. */
export const blameOf = (disconnectCode: number | undefined): CloseBlame => {
  if (disconnectCode === undefined) return 'possible';
  return innocentCodes.has(disconnectCode) ? 'none' : 'likely';
};

/** Whether a socket error is the other side's doing (a reset counts as a close); a lost keep-alive or route is nobody's verdict on a publish. */
export const endsByPeer = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
