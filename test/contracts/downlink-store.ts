import type { Test } from 'tap';
import type { DownlinkStore } from '../../src/downlink/ports.js';
import type { ThingMemory } from '../../src/uplink/ports.js';
import { clearContract } from './downlink-store-clear.js';
import { devicesContract } from './downlink-store-devices.js';
import { livesContract } from './downlink-store-lives.js';
import { collectContract } from './downlink-store-mailbox.js';
import { memoryContract } from './downlink-store-memory.js';
import { handingOutContract } from './downlink-store-order.js';
import { intakeContract } from './downlink-store-intake.js';
import { rateContract } from './downlink-store-rate.js';
import { thingMemoryContract } from './thing-memory.js';

/** What every adapter opens: the downlink store, and beside it the memory of things. */
export type DownlinkStoreUnderTest = DownlinkStore & { readonly things: ThingMemory };

export interface DownlinkStoreSettings {
  readonly ratePerSecond: (connectionId: string) => number;
  readonly reportWindowMs: number;
}

/** One durable place; `open` may be called again after `close` and finds what was there. */
export interface DownlinkPlace {
  open(settings: DownlinkStoreSettings): Promise<DownlinkStoreUnderTest>;
}

/** A new, empty place for each test, cleaned up by `t.teardown`. */
export type NewDownlinkPlace = (t: Test) => Promise<DownlinkPlace>;

/** What every adapter of the downlink store must do. It needs the time of day: validity and windows are in real milliseconds. */
export const downlinkStoreContract = async (t: Test, name: string, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test(`${name}: intake`, (t) => intakeContract(t, newPlace));
  await t.test(`${name}: handing out`, (t) => handingOutContract(t, newPlace));
  await t.test(`${name}: rate`, (t) => rateContract(t, newPlace));
  await t.test(`${name}: mailbox, validity and notices`, (t) => collectContract(t, newPlace));
  await t.test(`${name}: what was submitted, and devices`, (t) => memoryContract(t, newPlace));
  await t.test(`${name}: devices with their activity, page by page`, (t) => devicesContract(t, newPlace));
  await t.test(`${name}: what waits for a device, and clearing it`, (t) => clearContract(t, newPlace));
  await t.test(`${name}: lives of downlinks`, (t) => livesContract(t, newPlace));
  await t.test(`${name}: things`, (t) => thingMemoryContract(t, newPlace));
};
