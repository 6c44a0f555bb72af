import type { Test } from 'tap';
import type { DownlinkStore } from '../../../src/downlink/ports.js';
import { createSubmission, type Submission, type SubmissionOptions } from '../../../src/downlink/submit-downlink.js';
import { deadlineIn } from '../../../src/lifecycle.js';
import type { Downlink } from '../../../src/messages/downlink.js';
import { newDownlink } from '../../contracts/downlink-store-samples.js';
import { until } from '../../support/until.js';
import { openDownlinkRoom, type DownlinkRoom, type RoomOptions } from './downlink-room.js';
import type { TestTarget } from './test-target.js';

export const device = '24e124c3b1a70042';

/** A queue and what submits its downlinks to test targets. */
export interface Scene extends DownlinkRoom {
  readonly submission: Submission;
  add(...downlinks: readonly Downlink[]): Promise<void>;
  /** What is remembered of a device, as name, state and ids. */
  remembered(deviceId?: string): Promise<readonly [string | undefined, string, readonly string[]][]>;
}

export const submissionOf = (t: Test, room: DownlinkRoom, changes: Partial<SubmissionOptions> = {}): Submission => {
  const { store, outlet, lives, targets, metrics, logger } = room;
  const submission = createSubmission({ queue: store.queue, submitted: store.submitted, devices: store.devices, statuses: outlet, lives, targets, metrics, ratePerSecond: () => 10_000, logger, ...changes });
  t.teardown(() => submission.close(deadlineIn(2_000)));
  return submission;
};

export const setScene = async (t: Test, targets: readonly TestTarget[], { changes, ...options }: Partial<RoomOptions> & { changes?: (store: DownlinkStore) => Partial<SubmissionOptions> } = {}): Promise<Scene> => {
  const room = await openDownlinkRoom(t, { targets, ...options });
  const submission = submissionOf(t, room, changes?.(room.store));
  return {
    ...room,
    submission,
    async add(...downlinks) {
      for (const downlink of downlinks) await room.store.queue.add(downlink, { delivery: 'submit', windowMs: 60_000, capacity: 10_000 });
    },
    remembered: async (deviceId = device) => (await room.store.submitted.of(deviceId)).map(({ downlink, state, ids }) => [downlink.correlationId, state, ids]),
  };
};

export const emptied = (scene: Scene): Promise<void> => until('the queue is empty', async () => (await scene.store.queue.totals('main')).waiting === 0);

export const onNetwork = (target: TestTarget, name: string, changes: Partial<Downlink> = {}): Downlink => newDownlink(name, device, { networkServer: { id: target.id, kind: target.kind }, ...changes });
