import { createHash } from 'node:crypto';
import type { DeviceRecord, DownlinkStore, QueuedDownlink, QueueWork, SubmittedDownlink, Verdict } from '../../src/downlink/ports.js';
import type { Deadline } from '../../src/lifecycle.js';
import type { Downlink } from '../../src/messages/downlink.js';

export const downlinkId = (name: string): string => createHash('md5').update(name).digest('hex');

/** A downlink whose correlation id is its name, valid for an hour. */
export const newDownlink = (name: string, deviceId: string, changes: Partial<Downlink> = {}): Downlink => ({
  id: downlinkId(name),
  correlationId: name,
  connectionId: 'main',
  deviceId,
  networkServer: { id: 'factory', kind: 'chirpstack' },
  fPort: 10,
  payload: '0a0b',
  confirmed: false,
  flush: false,
  receivedAt: Date.now(),
  validUntil: Date.now() + 3_600_000,
  ...changes,
});

export const newSubmitted = (downlink: Downlink, changes: Partial<SubmittedDownlink> = {}): SubmittedDownlink => ({
  downlink,
  ids: [`ns-${downlink.id}`],
  submittedAt: Date.now(),
  attempts: 1,
  state: 'submitted',
  ...changes,
});

export const newDevice = (deviceId: string, changes: Partial<DeviceRecord> = {}): DeviceRecord => ({
  deviceId,
  networkServerId: 'factory',
  connectionIds: ['main'],
  address: {},
  ...changes,
});

export const done: Verdict = { kind: 'done' };
export const retry = (attempts: number, afterMs = 10): Verdict => ({ kind: 'retry', afterMs, attempts });
export const nameOf = (downlink: Downlink | undefined): string => downlink?.correlationId ?? '';
export const deadlineOf = (ms: number): Deadline => ({ remaining: () => ms });

interface Handed {
  readonly name: string;
  readonly queued: QueuedDownlink;
  /** By the monotonic clock, ms. */
  readonly at: number;
}

export interface RecordedWork extends QueueWork {
  readonly handed: readonly Handed[];
  /** Names of what was handed out, in order; only of one device when one is given. */
  names(deviceId?: string): string[];
  /** Most downlinks of one device that were being submitted at the same time; 1 when all is well. */
  mostOfOneDevice(): number;
  /** Times that `holdMs` was asked. */
  asked(): number;
}

export interface Decisions {
  readonly submit?: (queued: QueuedDownlink) => Verdict | Promise<Verdict>;
  readonly holdMs?: (downlink: Downlink) => number;
}

/** Work that notes what it is handed and does as it is told; without decisions everything is done at once. */
export const recordWork = ({ submit = () => done, holdMs = () => 0 }: Decisions = {}): RecordedWork => {
  const handed: Handed[] = [];
  const busy = new Map<string, number>();
  let most = 0;
  let asked = 0;
  return {
    handed,
    names: (deviceId) => handed.filter(({ queued }) => deviceId === undefined || queued.downlink.deviceId === deviceId).map(({ name }) => name),
    mostOfOneDevice: () => most,
    asked: () => asked,
    holdMs(downlink) {
      asked += 1;
      return holdMs(downlink);
    },
    async submit(queued) {
      const { deviceId } = queued.downlink;
      const count = (busy.get(deviceId) ?? 0) + 1;
      busy.set(deviceId, count);
      most = Math.max(most, count);
      handed.push({ name: nameOf(queued.downlink), queued, at: performance.now() });
      const verdict = await submit(queued);
      busy.set(deviceId, (busy.get(deviceId) ?? 1) - 1);
      return verdict;
    },
  };
};

/** A promise that is resolved from outside. */
export const gate = <T>(): { readonly opened: Promise<T>; readonly open: (value: T) => void } => {
  let open: (value: T) => void = () => undefined;
  const opened = new Promise<T>((resolve) => { open = resolve; });
  return { opened, open };
};

/** Most times within any second, both ends of a second not counted together. */
export const mostInOneSecond = (times: readonly number[]): number => {
  const sorted = [...times].sort((one, other) => one - other);
  let first = 0;
  let most = 0;
  for (const [index, time] of sorted.entries()) {
    while (time - (sorted[first] ?? time) >= 1_000) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
};

export const addAll = async (store: DownlinkStore, downlinks: readonly Downlink[], delivery: 'submit' | 'mailbox' = 'submit'): Promise<void> => {
  await Promise.all(downlinks.map((downlink) => store.queue.add(downlink, { delivery, windowMs: 60_000, capacity: 100_000 })));
};
