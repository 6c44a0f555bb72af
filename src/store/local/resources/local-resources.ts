import { join } from 'node:path';
import type { EventLog, ResourceStore } from '../../../api/ports.js';
import type { Logger } from '../../../log.js';
import { checkStoreOf } from '../check-store.js';
import { createCommitQueue } from '../commit-queue.js';
import { createDiskRoom, type FreeBytes } from '../disk-room.js';
import { openStore } from '../open-store.js';
import { createSequence } from '../sequence.js';
import { createStoreWriter } from '../store-writer.js';
import { createAudits } from './audits.js';
import { createEventTable } from './event-table.js';
import { createKeptEvents } from './kept-events.js';
import { createKeptResources } from './kept-resources.js';
import { resourceStoreKind } from './resource-store-kind.js';
import { openResourceTables } from './resource-tables.js';

export interface LocalResourcesOptions {
  /** The resources live in `<dataDir>/resources`. Hold the directory's lock (`lockDataDir`) while they are open. */
  readonly dataDir: string;
  readonly logger: Logger;
  readonly now?: () => number;
  /** Bytes that may still be written in a folder; the file system's own figure. With less than 8 MB nothing is taken in. */
  readonly freeBytes?: FreeBytes;
  /** Ms: how often a failed store is tried again (1,000), how long events are gathered (500), how long the file system's answer about free space holds (200). */
  readonly intervals?: { readonly retry?: number; readonly events?: number; readonly room?: number };
}

export interface LocalResources {
  readonly resources: ResourceStore;
  readonly events: EventLog;
}

/**
 * Opens the resources and events of a data directory: one LMDB environment, checked by a child process before this one maps it. It is closed when both are.
 * A damaged one is set aside, and no start after that makes an empty one in its place until somebody decided so.
 * @throws BridgeError `store_corrupt` (the damaged folder was set aside) or `store_unavailable`
 */
export const openLocalResources = async (options: LocalResourcesOptions): Promise<LocalResources> => {
  const { dataDir, logger, now = Date.now, intervals = {} } = options;
  const path = join(dataDir, 'resources');
  const found = await checkStoreOf(path, resourceStoreKind);
  const environment = openStore(path, resourceStoreKind.name, openResourceTables);
  const commits = createCommitQueue({ environment, logger, idleMs: Infinity, ...createDiskRoom({ path, reusableBytes: environment.reusableBytes, isSmall: true, freeBytes: options.freeBytes, freshMs: intervals.room }) });
  const writer = createStoreWriter(commits, createSequence(await environment.ready(), found.lastSeq));
  const audits = createAudits(environment, writer);
  const resources = createKeptResources({ environment, writer, audits, logger, now });
  const events = createKeptEvents(createEventTable(environment, writer), intervals.events ?? 500);
  const ticker = setInterval(() => { commits.tick(); }, intervals.retry ?? 1_000).unref();

  let users = 2;
  const leave = async (): Promise<void> => {
    users -= 1;
    if (users > 0) return;
    clearInterval(ticker);
    await writer.close();
    await environment.close();
  };
  const once = (end: () => Promise<void>): (() => Promise<void>) => {
    let ended: Promise<void> | undefined;
    return () => (ended ??= end());
  };

  return {
    resources: { ...resources, close: once(leave) },
    events: {
      ...events,
      close: once(async () => {
        await events.close();
        await leave();
      }),
    },
  };
};
