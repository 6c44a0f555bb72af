import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { Append, AppendRecord, NewRecord, Outbox, OutboxRecord, ParkedMessages } from '../../src/uplink/ports.js';

/** What the contract needs to see beside the port. */
export interface OutboxUnderTest extends Outbox, ParkedMessages {
  restored(connectionId: string): number;
}

export interface OutboxSettings {
  readonly maxBytes: number;
  readonly dedupWindowMs: number;
  /** The clock by which the window is measured. */
  readonly now: () => number;
}

/** One place where an outbox is kept; `open` may be called again after `close`. */
export interface OutboxPlace {
  open(settings: OutboxSettings): Promise<OutboxUnderTest>;
}

/** A new, empty place for each test, cleaned up by `t.teardown`. */
export type NewPlace = (t: Test) => Promise<OutboxPlace>;

export const startOfTime = Date.UTC(2026, 10, 21, 12);
export const outboxSettings: OutboxSettings = { maxBytes: 10_000_000, dedupWindowMs: 7_200_000, now: () => startOfTime };

export const hashOf = (text: string): Buffer => createHash('md5').update(text).digest();

export const newRecord = (name: string, fields: Partial<NewRecord> = {}): NewRecord => ({
  connectionId: 'main',
  messageId: hashOf(name).toString('hex'),
  networkServerId: 'factory',
  deviceId: '78af580300000345',
  type: 'uplink',
  topic: `tpx/things/78AF580300000345/uplink/${name}`,
  payload: Buffer.from(`payload of ${name}`),
  acceptedAt: startOfTime,
  expiresAt: 0,
  ...fields,
});

export const newAppend = (name: string, fields: Partial<NewRecord> = {}): Append => ({
  dedupKey: hashOf(name),
  eventTimeMs: startOfTime,
  records: [{ record: newRecord(name, fields) }],
});

/** The same, parked at once. */
export const newParkedAppend = (name: string, park: NonNullable<AppendRecord['park']>, fields: Partial<NewRecord> = {}): Append => ({
  dedupKey: hashOf(name),
  eventTimeMs: startOfTime,
  records: [{ record: newRecord(name, fields), park }],
});

export const topicsOf = (records: readonly OutboxRecord[]): string[] => records.map(({ topic }) => topic.slice(topic.lastIndexOf('/') + 1));
export const readAll = (outbox: Outbox, connectionId = 'main'): Promise<OutboxRecord[]> => outbox.read(connectionId, 0, 100_000, Number.MAX_SAFE_INTEGER);
export const statesOf = async (results: ReturnType<Outbox['append']>): Promise<string[]> => (await results).map(({ state }) => state);
export const names = (count: number, prefix = 'm'): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Opens a place; it is closed with the test at the latest. */
export const openedOutbox = async (t: Test, place: OutboxPlace, changes: Partial<OutboxSettings> = {}): Promise<OutboxUnderTest> => {
  const outbox = await place.open({ ...outboxSettings, ...changes });
  t.teardown(() => outbox.close());
  return outbox;
};

export const rejectsWith = async (t: Test, promise: Promise<unknown>, reason: string): Promise<void> => {
  const error: unknown = await promise.then(() => undefined, (thrown: unknown) => thrown);
  t.ok(error instanceof BridgeError, `a BridgeError: ${String(error)}`);
  t.match(error, { reason });
};
