import type { BridgeError } from '../errors.js';
import type { Logger } from '../log.js';
import { createRepeatLog } from './repeat-log.js';

/**
 * Logs refused webhooks so that a misconfigured network server is seen, and does not fill the disk.
 * @param now Ms of a monotonic clock.
 */
export const createRefusalLog = (logger: Logger, now?: () => number): ((networkServer: string, error: BridgeError, requestId: string) => void) => {
  const log = createRepeatLog(logger, now);
  return (networkServer, error, requestId) => {
    const { reason } = error;
    log(`${networkServer} ${reason}`, (to, silent) => {
      const fields = { network_server: networkServer, reason, detail: error.message, request_id: requestId, not_logged: silent };
      if (reason === 'internal_error') to.error({ ...fields, err: error.cause }, 'webhook refused');
      else to.warn(fields, 'webhook refused');
    });
  };
};
