import type { Backoff } from '../../backoff.js';
import type { CertificateReference } from './certificate-principal.js';
import type { RegistryOptions } from './registry-client.js';
import type { ThingSettings } from './thing-pattern.js';

export interface RegistrarOptions {
  readonly connectionId: string;
  readonly registry: RegistryOptions;
  readonly things: ThingSettings;
  /** The certificate of the connection, to which things are attached; empty where it has none. */
  readonly certificate: CertificateReference;
  /** False: things are looked up, never made, and uplinks of devices without one are parked. */
  readonly create: boolean;
  /** Uplinks wait until their device's thing is there; without, registration runs beside them. Has no meaning with `create: false`, which waits for the answer always. */
  readonly required: boolean;
  readonly limits?: Partial<RegistrarLimits>;
}

export interface RegistrarLimits {
  /** Devices whose answer is kept in memory; the others are read from the memory of things when they are heard. */
  readonly knownDevices: number;
  /** New devices kept with their attributes. Beyond, those whose uplinks wait are kept by their ids only, and others are looked up when they are heard again. */
  readonly waitingDevices: number;
  /** How long a device without a thing of ours stays refused before AWS is asked again, ms. */
  readonly recheckAfterMs: number;
  /** Between the attempts for one device that AWS forbade. */
  readonly backoff: Backoff;
  /** Devices registered side by side. */
  readonly concurrency: number;
}

export const defaultRegistrarLimits: RegistrarLimits = {
  knownDevices: 100_000,
  waitingDevices: 10_000,
  recheckAfterMs: 5 * 60_000,
  backoff: { minMs: 2_000, maxMs: 5 * 60_000 },
  concurrency: 24,
};
