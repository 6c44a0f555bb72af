import { BridgeError, messageOf } from '../errors.js';
import type { StateCause } from './connection-state.js';

/** What a state says of something that was thrown. */
export const causeOf = (error: unknown): StateCause => ({ reason: error instanceof BridgeError ? error.reason : 'internal_error', detail: messageOf(error) });
