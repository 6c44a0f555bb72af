import type { Test } from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { DownlinkStore } from '../../src/downlink/ports.js';
import type { DownlinkPlace, DownlinkStoreSettings, DownlinkStoreUnderTest } from './downlink-store.js';
import { deadlineOf } from './downlink-store-samples.js';

/** Opens the store of a place; it is closed with the test at the latest, so closing twice must do no harm. */
export const opened = async (t: Test, place: DownlinkPlace, changes: Partial<DownlinkStoreSettings> = {}): Promise<DownlinkStoreUnderTest> => {
  const store = await place.open({ ratePerSecond: () => 1_000, reportWindowMs: 3_600_000, ...changes });
  t.teardown(() => store.close(deadlineOf(10_000)));
  return store;
};

/** Closes a store and opens its place again. */
export const reopened = async (t: Test, place: DownlinkPlace, store: DownlinkStore): Promise<DownlinkStoreUnderTest> => {
  await store.close(deadlineOf(10_000));
  return opened(t, place);
};

export const rejectsWith = async (t: Test, promise: Promise<unknown>, reason: string): Promise<void> => {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown);
  t.ok(error instanceof BridgeError, `a BridgeError: ${String(error)}`);
  t.match(error, { reason });
};
