import type { BridgeError } from '../errors.js';
import type { Logger } from '../log.js';

/** A refusal is logged when its kind is new, then at most once in this time with the count of those between, ms. */
const quietMs = 60_000;

/**
 * Logs refused webhooks so that a misconfigured network server is seen, and does not fill the disk.
 * @param now Ms of a monotonic clock.
 */
export const createRefusalLog = (logger: Logger, now: () => number = () => performance.now()): ((networkServer: string, error: BridgeError, requestId: string) => void) => {
  const kinds = new Map<string, { loggedAt: number; silent: number }>();
  return (networkServer, error, requestId) => {
    const { reason } = error;
    const key = `${networkServer} ${reason}`;
    const kind = kinds.get(key) ?? { loggedAt: Number.NEGATIVE_INFINITY, silent: 0 };
    kinds.set(key, kind);
    if (now() - kind.loggedAt < quietMs) {
      kind.silent += 1;
      return;
    }
    const fields = { network_server: networkServer, reason, detail: error.message, request_id: requestId, not_logged: kind.silent };
    if (reason === 'internal_error') logger.error({ ...fields, err: error.cause }, 'webhook refused');
    else logger.warn(fields, 'webhook refused');
    kind.loggedAt = now();
    kind.silent = 0;
  };
};
