import type { ConnectGate } from '../aws/connect-gate.js';
import { BridgeError } from '../errors.js';

/** Who this bridge is to AWS, and whether it still is. */
export interface Identity {
  /** Names the MQTT client ids; changes when another replica took the slot over. */
  slot(): string;
  /** Whether what waits in the outbox may be published at this moment. */
  mayPublish(): boolean;
  /** Makes sure before a connect that the slot is still held. @throws BridgeError slot_lost, store_unavailable */
  confirm(slot: string): Promise<void>;
}

/** Of a bridge whose data directory nobody else can use. */
export const fixedIdentity = (slot: string): Identity => ({ slot: () => slot, mayPublish: () => true, confirm: () => Promise.resolve() });

/** Lets nobody connect under a client id that is another replica's now: the two would disconnect each other for ever. */
export const identityGate = (gate: ConnectGate, identity: Identity, clientIdsOf: (slot: string) => string): ConnectGate => ({
  async enter(address, signal, clientId) {
    const slot = identity.slot();
    if (clientId?.startsWith(`${clientIdsOf(slot)}-`) !== true) throw new BridgeError('slot_lost', { detail: `${clientId ?? 'the client id'} is not of the slot ${slot}` });
    await identity.confirm(slot);
    return gate.enter(address, signal);
  },
});
