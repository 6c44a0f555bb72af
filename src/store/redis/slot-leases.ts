import { randomBytes } from 'node:crypto';
import type { Logger } from '../../log.js';
import type { RedisLink } from './redis-link.js';
import { claimScript, finishScript, renewScript, takeOverScript } from './slot-scripts.js';
import { createUnbrokenTime } from './unbroken-time.js';

/** A slot, and the proof in Redis that this process holds it. */
export interface HeldSlot {
  readonly slot: string;
  readonly token: string;
}

export interface SlotLeasesOptions {
  readonly link: Pick<RedisLink, 'call'>;
  readonly token: string;
  readonly preferred: string;
  readonly leaseMs: number;
  readonly logger: Logger;
  readonly now: () => number;
  /** The slot changed; `position`: the latest of the outbox then. */
  readonly onChange: (position: number) => void;
  readonly onOrphan: (slot: string) => void;
}

/** The leases of one process: of its own slot and of the orphans that it took. */
export interface SlotLeases {
  slot(): string;
  held(): boolean;
  orphans(): readonly string[];
  holders(): number;
  /** Renews all of them, takes a slot where none is held, and looks for orphans. Not to be called while it runs. @throws BridgeError store_unavailable */
  renew(): Promise<void>;
  /** @throws BridgeError store_unavailable */
  finish(slot: string): Promise<boolean>;
  /** The connection to Redis was lost. */
  broken(): void;
  /** Says in the log whether the lease is held, when that changed. */
  tell(): void;
  /** Tells nobody anything more. */
  close(): void;
}

/** See `renewScript`. */
type Renewal = readonly [kept: readonly number[], free: readonly string[], holders: number, redisAt: string];

const newSlot = (): string => randomBytes(4).toString('hex');

export const createSlotLeases = ({ link, token, preferred, leaseMs, logger, now, onChange, onOrphan }: SlotLeasesOptions): SlotLeases => {
  const unbroken = createUnbrokenTime(leaseMs);
  const orphans = new Set<string>();
  let slot = preferred;
  /** What to try first, and whose lease on it may be taken: the same data directory's. */
  let wanted: { readonly slot: string; readonly from: string } | undefined = { slot: preferred, from: `${preferred}.` };
  let claimed = false;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let told = false;
  let holders = 0;
  let closed = false;

  const held = (): boolean => now() < heldUntil;

  const tell = (): void => {
    const holds = held();
    if (holds === told || closed) return;
    told = holds;
    if (holds) logger.info({ slot }, 'slot is held');
    else logger.warn({ slot }, 'the lease of the slot was not renewed in time; nothing is published from the shared outbox until it is');
  };

  const moveTo = (next: string, position: number): void => {
    const before = slot;
    slot = next;
    claimed = true;
    if (before === next || closed) return;
    logger.warn({ slot: next, detail: `${before} is held by another replica` }, 'goes on under a new slot');
    onChange(position);
  };

  /** Takes a slot of one's own. */
  const claim = async (): Promise<void> => {
    while (!claimed) {
      const { slot: next, from } = wanted ?? { slot: newSlot(), from: token };
      const sentAt = now();
      const [taken, position] = (await link.call(claimScript, next, token, leaseMs, from)) as [number, string?];
      wanted = undefined;
      if (taken !== 1) continue;
      heldUntil = sentAt + leaseMs;
      moveTo(next, Number(position));
    }
  };

  /** One in each look, so that several replicas share what several leave behind. */
  const takeOver = async (free: readonly string[]): Promise<void> => {
    const orphan = free[Math.floor(Math.random() * free.length)];
    if (orphan === undefined || (await link.call(takeOverScript, orphan, token, leaseMs)) !== 1 || closed) return;
    orphans.add(orphan);
    logger.debug({ slot: orphan }, 'holds the slot of a replica that is gone');
    onOrphan(orphan);
  };

  const keep = async (): Promise<void> => {
    const others = [...orphans];
    // The lease cannot end sooner than this long after the renewal left: a pause of the process at any later moment counts against it.
    const sentAt = now();
    const [[mine, ...kept], free, seen, redisAt] = (await link.call(renewScript, token, leaseMs, slot, ...others)) as Renewal;
    unbroken.answered(now(), Number(redisAt));
    holders = seen;
    for (const [index, other] of others.entries()) if (kept[index] !== 1) orphans.delete(other);
    claimed = mine === 1;
    heldUntil = claimed ? sentAt + leaseMs : Number.NEGATIVE_INFINITY;
    if (!claimed) await claim();
    else if (unbroken.suffices(now())) await takeOver(free);
  };

  return {
    slot: () => slot,
    held,
    orphans: () => [...orphans],
    holders: () => holders,
    async renew() {
      tell();
      await claim();
      await keep();
      tell();
    },
    async finish(orphan) {
      if (orphan === slot) return false;
      const outcome = await link.call(finishScript, orphan, token);
      if (outcome !== 0) orphans.delete(orphan);
      if (outcome === 1) logger.info({ slot: orphan }, 'nothing is left under the slot of a replica that is gone');
      return outcome === 1;
    },
    broken: () => unbroken.broken(),
    tell,
    close: () => void (closed = true),
  };
};
