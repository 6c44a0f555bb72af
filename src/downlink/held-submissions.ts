import { BridgeError } from '../errors.js';
import { setBounded } from '../forget-oldest.js';
import { inTime } from '../lifecycle.js';
import type { EarlyReports, SubmittedDownlink, SubmittedDownlinks } from './ports.js';

/** What was submitted, also while the store cannot note it: a report that comes then still finds its downlink. */
export interface HeldSubmissions extends SubmittedDownlinks {
  /** As `of`; while the store is away, what this process knows of the device. @throws what the store throws, when it knows nothing */
  readonly known: (deviceId: string) => Promise<readonly SubmittedDownlink[]>;
  /** Writes what waits, once, and holds nothing any longer. Never throws. */
  readonly close: () => Promise<void>;
}

export interface HeldSubmissionsOptions {
  readonly submitted: SubmittedDownlinks;
  /** Most that are remembered, and most that wait to be noted; the oldest go first. */
  readonly bound?: number;
  /** Between two trials to note what waits, ms. */
  readonly retryMs?: number;
}

/** The latest that is known of a downlink; `undefined`: it was removed. */
type Latest = SubmittedDownlink | undefined;

interface Held {
  readonly deviceId: string;
  readonly latest: Latest;
}

/** How long the store may take before memory answers, ms: less than the tracker waits. */
const storeLimitMs = 700;

/** Those of the store with what is held laid over them. */
const laidOver = (stored: readonly SubmittedDownlink[], deviceId: string, held: ReadonlyMap<string, Held>): readonly SubmittedDownlink[] => {
  const here = stored.flatMap((one) => {
    const over = held.get(one.downlink.id);
    return over === undefined ? [one] : over.latest === undefined ? [] : [over.latest];
  });
  const ids = new Set(stored.map(({ downlink }) => downlink.id));
  return [...here, ...[...held].flatMap(([id, { deviceId: of, latest }]) => (of === deviceId && latest !== undefined && !ids.has(id) ? [latest] : []))];
};

/**
 * Puts and removes are noted by the store as soon as it can, whatever it says now. Only `queued`, which is put before an attempt, is refused as the store refuses it:
 * nothing may leave that a restart would not know of.
 */
export const holdSubmissions = ({ submitted, bound = 10_000, retryMs = 500 }: HeldSubmissionsOptions): HeldSubmissions => {
  const recent = new Map<string, Held>();
  const waiting = new Map<string, Held>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const write = async (id: string, { deviceId, latest }: Held): Promise<void> => (latest === undefined ? submitted.remove(deviceId, id) : submitted.put(latest));

  const writeAll = async (): Promise<void> => {
    for (const [id, held] of waiting) {
      await write(id, held);
      if (waiting.get(id) === held) waiting.delete(id);
    }
  };

  const later = (): void => {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      void writeAll().catch(() => undefined).finally(() => {
        timer = undefined;
        if (waiting.size > 0) later();
      });
    }, retryMs).unref();
  };

  const note = async (id: string, held: Held): Promise<void> => {
    setBounded(recent, [id, held], bound);
    // What waits for the same downlink is older, and must not be written after this.
    waiting.delete(id);
    try {
      await write(id, held);
    } catch (error) {
      if (held.latest?.state === 'queued') throw error;
      if (recent.get(id) === held) setBounded(waiting, [id, held], bound);
      later();
    }
  };

  const of = async (deviceId: string): Promise<readonly SubmittedDownlink[]> => laidOver(await submitted.of(deviceId), deviceId, waiting);

  const { early } = submitted;
  /** Until the store has noted a submission a report may still be kept for it, so nobody may be done with looking. */
  const earlyOf = (reports: EarlyReports, id: string): ReturnType<EarlyReports['of']> =>
    waiting.has(id) ? Promise.reject(new BridgeError('store_unavailable', { detail: 'the submission is not noted yet' })) : reports.of(id);

  return {
    of,
    async known(deviceId) {
      try {
        return await inTime(of(deviceId), storeLimitMs);
      } catch (error) {
        const remembered = laidOver([], deviceId, recent);
        if (remembered.length === 0) throw error;
        return remembered;
      }
    },
    put: (one) => note(one.downlink.id, { deviceId: one.downlink.deviceId, latest: one }),
    remove: (deviceId, id) => note(id, { deviceId, latest: undefined }),
    ...(early === undefined ? {} : { early: { ...early, of: (id: string) => earlyOf(early, id) } }),
    // While the store cannot say, memory has to do.
    quiet: async (deviceId, limitMs) => submitted.quiet?.(deviceId, limitMs).catch(() => undefined),
    async close() {
      closed = true;
      clearTimeout(timer);
      await writeAll().catch(() => undefined);
    },
  };
};
