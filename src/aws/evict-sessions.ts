import { claimClientId, type ClaimOptions } from './claim-client-id.js';

export interface EvictOptions extends Omit<ClaimOptions, 'clientId'> {
  readonly clientIds: readonly string[];
}

/** Connects under way at a time. */
const atOnce = 5;

/**
 * Has the broker disconnect whoever is connected under these client ids. Every one is tried, also when another failed.
 * @throws the first failure, as `connectClient`; the abort
 */
export const evictSessions = async ({ clientIds, ...options }: EvictOptions, signal: AbortSignal): Promise<void> => {
  const left = [...clientIds];
  const failures: unknown[] = [];
  const evict = async (): Promise<void> => {
    for (let clientId = left.shift(); clientId !== undefined && !signal.aborted; clientId = left.shift()) {
      await claimClientId({ ...options, clientId }, signal).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, evict));
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
};
