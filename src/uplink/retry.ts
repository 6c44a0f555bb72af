import type { Backoff } from '../backoff.js';

/** Pause before a publish that timed out or was throttled is sent again. */
export const publishBackoff: Backoff = { minMs: 100, maxMs: 5_000 };

/** Pause between trials while nothing at all is allowed. */
export const heldBackoff: Backoff = { minMs: 500, maxMs: 60_000 };
