import { backoffMs, type Backoff } from '../backoff.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Downlink } from '../messages/downlink.js';
import type { DownlinkTarget, Moment, QueuedDownlink, SubmittedDownlink, SubmittedDownlinks } from './ports.js';
import { submissionLimitMs } from './under-way.js';

/** One attempt of a downlink. */
export interface Turn extends QueuedDownlink {
  readonly target: DownlinkTarget;
  readonly moment: Moment | undefined;
}

export interface SubmissionMemoryOptions {
  readonly submitted: SubmittedDownlinks;
  readonly logger: Logger;
  readonly now: () => number;
  readonly random: () => number;
}

/** What is remembered of submissions, so that reports find them and a restart does not repeat them. */
export interface SubmissionMemory {
  /** Set when the network server is known to have it: from an attempt whose answer was lost, or before the process was killed. @throws BridgeError store_unavailable */
  known(downlink: Downlink): Promise<SubmittedDownlink | undefined>;
  /** Before the attempt: its reports may be faster than its answer. @throws BridgeError store_unavailable */
  attempting(turn: Turn, ids: readonly string[]): Promise<void>;
  /**
   * After the network server took it; gives what is to be remembered. A report that came before an answer of `tookMs` has told more than the answer
   * does: then that is it. Never throws: a store that stays away must not keep the device.
   */
  accepted(turn: Turn, ids: readonly string[], tookMs: number): Promise<SubmittedDownlink>;
  /** Nothing can be reported any more. Never throws: what is left over goes with the window. */
  forget(downlink: Downlink): Promise<void>;
}

const tries = 5;
const pause: Backoff = { minMs: 50, maxMs: 1_000 };

export const createSubmissionMemory = ({ submitted, logger, now, random }: SubmissionMemoryOptions): SubmissionMemory => {
  const entryOf = ({ downlink, attempts }: Turn, ids: readonly string[], state: 'queued' | 'submitted'): SubmittedDownlink => ({ downlink, ids, submittedAt: now(), attempts: attempts + 1, state });

  const remove = ({ deviceId, id }: Downlink): Promise<void> => submitted.remove(deviceId, id);

  const failed = ({ deviceId, networkServer }: Downlink, error: unknown): void =>
    logger.debug({ dev_eui: deviceId, network_server: networkServer.id, detail: messageOf(error) }, 'what became of a submitted downlink cannot be remembered');

  const known = async ({ deviceId, id }: Downlink): Promise<SubmittedDownlink | undefined> => {
    const entry = (await submitted.of(deviceId)).find(({ downlink }) => downlink.id === id);
    return entry === undefined || entry.state === 'queued' ? undefined : entry;
  };

  /** Reports wait for an answer, but not longer than this. */
  const toldMeanwhile = async (downlink: Downlink, tookMs: number): Promise<SubmittedDownlink | undefined> => {
    if (tookMs < submissionLimitMs) return undefined;
    try {
      return await known(downlink);
    } catch (error) {
      failed(downlink, error);
      return undefined;
    }
  };

  return {
    known,
    attempting: (turn, ids) => (ids.length === 0 ? Promise.resolve() : submitted.put(entryOf(turn, ids, 'queued'))),
    async accepted(turn, ids, tookMs) {
      const { downlink, target } = turn;
      const told = await toldMeanwhile(downlink, tookMs);
      if (told !== undefined) return told;
      const entry = entryOf(turn, ids, 'submitted');
      for (let failures = 0; failures < tries; failures += 1) {
        try {
          await (target.reportsAfter('submitted', downlink) ? submitted.put(entry) : remove(downlink));
          return entry;
        } catch (error) {
          failed(downlink, error);
        }
        await new Promise((resolve) => setTimeout(resolve, backoffMs(pause, failures, random)));
      }
      return entry;
    },
    forget: (downlink) => remove(downlink).catch((error: unknown) => failed(downlink, error)),
  };
};
