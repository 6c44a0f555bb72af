import { isDeepStrictEqual } from 'node:util';
import type { ThingMetrics } from '../aws/things/metrics.js';
import { createRegistrar, type Registrar } from '../aws/things/registrar.js';
import type { ConnectionConfig } from '../config/connection.js';
import { registryOf, type ConfiguredRegistry } from '../config/connection-things.js';
import { deadlineIn, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { Message } from '../messages/message.js';
import type { DeviceGate, ThingMemory } from '../uplink/ports.js';
import { registrarOptions, scopeOf } from './registry-options.js';

export interface LineThingsDeps {
  readonly things: ThingMemory;
  readonly note: NoteEvent;
  readonly metrics: { readonly things: ThingMetrics };
  readonly logger: Logger;
}

/** The registration of one connection's devices, while it is configured and the connection is active. */
export interface LineThings {
  /** Makes it what is configured now. Resolves with true when who says which devices may be published has changed. */
  apply(config: ConnectionConfig): Promise<boolean>;
  gate(): DeviceGate | undefined;
  seen(message: Message): void;
  status(): ReturnType<Registrar['status']> | undefined;
  /** Forgets what is known of the things: the connection is gone. */
  forget(): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
}

/** How long calls of the registry under way may take when it is configured anew, ms. */
const settleMs = 5_000;

/** What was remembered for another account, certificate or naming says nothing about the things of this one. */
export const scopedMemory = (memory: ThingMemory, scope: string): ThingMemory => ({
  ...memory,
  async find(connectionId, deviceId) {
    const record = await memory.find(connectionId, deviceId);
    return record?.scope === scope ? record : undefined;
  },
  put: (record) => memory.put({ ...record, scope }),
});

export const createLineThings = (connectionId: string, { things: memory, note, metrics, logger }: LineThingsDeps): LineThings => {
  let settings: ConfiguredRegistry | undefined;
  let registrar: Registrar | undefined;

  const replace = async (next: ConfiguredRegistry | undefined): Promise<void> => {
    const before = registrar;
    registrar = undefined;
    settings = next;
    await before?.stop(deadlineIn(settleMs));
    if (next === undefined) return;
    registrar = createRegistrar(registrarOptions(connectionId, next), { memory: scopedMemory(memory, scopeOf(next)), metrics: metrics.things, logger, note });
    registrar.start();
  };

  return {
    async apply(config) {
      const next = config.active ? registryOf(config.configuration) : undefined;
      if (isDeepStrictEqual(next, settings)) return false;
      await replace(next);
      return true;
    },
    gate: () => registrar,
    seen: (message) => registrar?.seen(message),
    status: () => registrar?.status(),
    forget: () => memory.forget(connectionId),
    async stop(deadline) {
      await registrar?.stop(deadline);
    },
  };
};
