import { join } from 'node:path';
import type { DownlinkStore, QueueWork, StoreProblem } from '../../../downlink/ports.js';
import type { ThingMemory } from '../../../uplink/ports.js';
import { BridgeError } from '../../../errors.js';
import { createInTurn } from '../../../in-turn.js';
import { within, type Deadline } from '../../../lifecycle.js';
import type { Logger } from '../../../log.js';
import { checkStoreOf } from '../check-store.js';
import { createCommitQueue, type CommitQueue } from '../commit-queue.js';
import { createDiskRoom, type FreeBytes } from '../disk-room.js';
import { openStore } from '../open-store.js';
import { createSequence } from '../sequence.js';
import { createStoreWriter } from '../store-writer.js';
import { createActivities } from './activity.js';
import { createDeviceQueue } from './device-queue.js';
import { createDevices } from './devices.js';
import { timeOf } from '../json-value.js';
import { downlinkStoreKind } from './downlink-store-kind.js';
import { openDownlinkTables, type DownlinkTables } from './downlink-tables.js';
import { createExpiry } from './expiry.js';
import { createHandOut } from './hand-out.js';
import { createIntake } from './intake.js';
import { createScheduler, type Look } from './lanes/scheduler.js';
import { createLives } from './lives.js';
import { createMailbox } from './mailbox.js';
import { createNotices } from './notices.js';
import { createSeenDownlinks } from './seen-downlinks.js';
import { createStoredDownlinks, loadWaiting } from './stored-downlinks.js';
import { createSubmitted } from './submitted.js';
import { createSweeper, type Sweep } from './sweeper.js';
import { createTakeOut } from './take-out.js';
import { createThings } from './things.js';
import { createWaitingLists, type DeviceList, type WaitingEntry } from './waiting-lists.js';

export interface LocalDownlinksOptions {
  /** The downlinks live in `<dataDir>/downlinks`. Hold the directory's lock (`lockDataDir`) while they are open. */
  readonly dataDir: string;
  /** Most downlinks of a connection in any second. */
  readonly ratePerSecond: (connectionId: string) => number;
  /** Submitted downlinks older than this are forgotten. */
  readonly reportWindowMs: number;
  readonly logger: Logger;
  readonly now?: () => number;
  /** Bytes that may still be written in a folder; the file system's own figure. With less than 8 MB nothing new is taken in. */
  readonly freeBytes?: FreeBytes;
  /** Ms: how often a failed store is tried again (1,000), after how long without a write one is made as a proof (30,000), pause between two sweeps of what is over (60,000), how long the file system's answer about free space holds (200), least time between two writes of a device's activity (60,000). */
  readonly intervals?: { readonly retry?: number; readonly idle?: number; readonly sweep?: number; readonly room?: number; readonly activity?: number };
}

/** The downlink store, and beside it the memory of things. */
export type LocalDownlinks = DownlinkStore & { readonly things: ThingMemory };

/** Values of a table that are over when their time is at or before what it says. */
const timed = (table: Sweep['table'], before: () => number, isWriting: Sweep['isWriting']): Sweep => ({ table, isOver: (_, value) => timeOf(value) <= before(), isWriting });

/** Tells since when nothing can be written. */
const createProblem = (queue: CommitQueue<DownlinkTables>, now: () => number): (() => StoreProblem | undefined) => {
  let since: number | undefined;
  return () => {
    const failure = queue.failure();
    since = failure === undefined ? undefined : (since ?? now());
    return failure === undefined || since === undefined ? undefined : { reason: 'store_unavailable', detail: failure.detail ?? failure.message, since };
  };
};

/**
 * Opens the downlink store of a data directory: one LMDB environment, checked by a child process before this one maps it. In memory it keeps a few
 * numbers for each waiting downlink; the downlinks themselves are read when they are due.
 * @throws BridgeError `store_corrupt` (the damaged folder was set aside) or `store_unavailable`
 */
export const openLocalDownlinks = async (options: LocalDownlinksOptions): Promise<LocalDownlinks> => {
  const { logger, ratePerSecond, reportWindowMs, now = Date.now, intervals = {} } = options;
  const path = join(options.dataDir, 'downlinks');
  const found = await checkStoreOf(path, downlinkStoreKind);
  const environment = openStore(path, 'downlink store', openDownlinkTables);
  const commits = createCommitQueue({
    environment,
    logger,
    idleMs: intervals.idle ?? 30_000,
    ...createDiskRoom({ path, reusableBytes: environment.reusableBytes, isSmall: true, freeBytes: options.freeBytes, freshMs: intervals.room }),
  });
  const writer = createStoreWriter(commits, createSequence(await environment.ready(), found.lastSeq));

  const lists = createWaitingLists();
  loadWaiting(environment, lists);
  const stored = createStoredDownlinks(environment, logger);
  const notices = createNotices(environment, writer, now);
  const seen = createSeenDownlinks(environment, now);
  const inTurn = createInTurn();
  const submitted = createSubmitted({ environment, writer, inTurn, reportWindowMs, now });
  const mailbox = createMailbox({ environment, writer, inTurn, lists, stored, submitted, notices, now });
  const activities = createActivities(writer, intervals.activity ?? 60_000);
  const devices = createDevices({ environment, writer, activities, now });
  const lives = createLives({ environment, writer, now });
  const things = createThings(environment, writer);

  let handOut: ((head: WaitingEntry) => Look) | undefined;
  const scheduler = createScheduler({ ratePerSecond, look: (head) => handOut?.(head) ?? 'gone' });
  const wake = (list: DeviceList): void => {
    if (handOut !== undefined && list.delivery === 'submit') scheduler.wake(list);
  };
  const start = (work: QueueWork): void => {
    handOut = createHandOut({ work, writer, lists, stored, logger });
    for (const list of lists.all()) wake(list);
  };
  const intake = createIntake({ writer, lists, seen, stored, notices, wake });
  const takeOut = createTakeOut({ writer, lists, stored, notices, wake });
  const expire = createExpiry(takeOut, lists, now);
  const ofDevice = createDeviceQueue(takeOut, lists, stored);

  const sweeper = createSweeper(
    writer,
    [
      timed('seen', now, (key) => seen.writing.has(key.toString('hex'))),
      timed('answers', now, mailbox.isWriting),
      timed('submitted', () => now() - reportWindowMs, () => false),
      lives.sweep,
      things.sweep,
    ],
    intervals.sweep ?? 60_000,
  );
  const problem = createProblem(commits, now);
  const ticker = setInterval(() => {
    problem();
    commits.tick();
  }, intervals.retry ?? 1_000).unref();

  let closing: Promise<void> | undefined;
  const close = async (deadline: Deadline): Promise<void> => {
    const settled = await within(deadline, scheduler.stop());
    if (!settled) logger.warn('downlinks were still being submitted; they come again');
    clearInterval(ticker);
    sweeper.close();
    for (const gathered of [devices, activities, lives, things]) gathered.flush();
    await writer.close();
    await environment.close();
  };
  const whileOpen = async <T>(task: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new BridgeError('stopping');
    return task();
  };

  return {
    queue: {
      add: (downlink, addOptions) => whileOpen(() => intake(downlink, addOptions)),
      start,
      collect: (request) => whileOpen(() => mailbox.collect(request)),
      expire: () => whileOpen(expire),
      notices: (olderThanMs) => notices.notices(olderThanMs),
      forget: (given) => notices.forget(given),
      waiting: ofDevice.waiting,
      clear: (deviceId) => whileOpen(() => ofDevice.clear(deviceId)),
      totals: async (connectionId) => lists.totals(connectionId),
      headroom: async (connectionId) => scheduler.headroom(connectionId),
    },
    submitted,
    devices,
    lives,
    things,
    problem,
    close: (deadline) => (closing ??= close(deadline)),
  };
};
