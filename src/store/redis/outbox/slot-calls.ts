import { BridgeError } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { SharedOutboxListener } from '../../../uplink/ports.js';
import type { Argument, Script } from '../script.js';
import type { Evaluate } from './evaluate.js';
import type { SharedTotals, TotalsReply } from './shared-totals.js';
import { syncScript } from './slot-scripts.js';

/** A slot, and the proof in Redis that this process holds it. */
export interface HeldSlot {
  readonly slot: string;
  readonly token: string;
}

/** What waits for a connection under one slot. */
export interface Standing {
  readonly messages: number;
  readonly bytes: number;
  /** Epoch ms of acceptance of the oldest. */
  readonly oldestAt: number;
}

export interface SlotCallsOptions {
  readonly evaluate: Evaluate;
  readonly current: () => HeldSlot;
  readonly lost: (slot: string) => Promise<void>;
  readonly listener: () => SharedOutboxListener;
  readonly totals: SharedTotals;
  /** Arguments that every script gets: window of duplicates, ms; most messages, bytes, parked bytes. */
  readonly limits: readonly [number, number, number, number];
  readonly now: () => number;
  /** Redis has lost appends: what waits to be written is about a past that is not there any more. */
  readonly rewound: () => void;
  readonly logger: Logger;
}

/** What a call changes beside what its answer says, so that a lost answer can be made up for. */
export interface Effect {
  /** Messages that it removes, by connection. */
  readonly removes?: ReadonlyMap<string, number>;
  /** The only slot for which it makes sense. */
  readonly slot?: string;
}

/** Calls of scripts for the slot that is held. None begins before the one before has ended. */
export interface SlotCalls {
  /** Resolves with the result of the script; with `undefined` when the only slot for which it makes sense is not held. @throws BridgeError store_unavailable */
  call(script: Script, args: readonly Argument[], effect?: Effect): Promise<unknown>;
  /** The same for a slot that is not held any more. What it changes there is not counted here. @throws as `call` */
  callFor(slot: HeldSlot, script: Script, args: readonly Argument[]): Promise<void>;
  /** What stands under the slot, as of the latest answer. */
  standings(): ReadonlyMap<string, Standing>;
  /** The store has to be asked what stands there before anything else. */
  doubt(): void;
  isDoubted(): boolean;
  /** Asks now, and takes what stands there as known. @throws as `call` */
  begin(): Promise<void>;
}

/** See `outboxParts`. */
type Reply = readonly [status: number, result?: unknown, totals?: TotalsReply, standings?: readonly (readonly [string, number, number, number])[], news?: readonly string[]];

interface Held extends HeldSlot {
  standings: Map<string, Standing>;
  doubted: boolean;
  /** The call whose answer did not come. */
  unanswered: { readonly turn: number; readonly removes: ReadonlyMap<string, number> } | undefined;
}

/** So often the slot may turn out to be another's before a call is given up. */
const attempts = 3;
const nothing: ReadonlyMap<string, number> = new Map();

export const createSlotCalls = ({ evaluate, current, lost, listener, totals, limits, now, rewound, logger }: SlotCallsOptions): SlotCalls => {
  const hold = (slot: HeldSlot): Held => ({ ...slot, standings: new Map(), doubted: true, unanswered: undefined });
  let held = hold(current());
  let turn = 0;

  const send = async ({ slot, token }: HeldSlot, script: Script, args: readonly Argument[]): Promise<Reply> => {
    turn += 1;
    return (await evaluate.text(script, [slot, token, turn, totals.position(), Math.trunc(now()), ...limits, ...args])) as Reply;
  };

  const stand = (one: Held, standings: NonNullable<Reply[3]>): void => {
    for (const [connectionId, messages, bytes, oldestAt] of standings) {
      if (messages > 0) one.standings.set(connectionId, { messages, bytes, oldestAt });
      else one.standings.delete(connectionId);
    }
  };

  const tellNews = (news: readonly string[]): void => {
    for (let index = 0; index + 1 < news.length; index += 2) {
      const connectionId = news[index] ?? '';
      listener().found(connectionId, Number(news[index + 1]));
      listener().more(connectionId);
    }
  };

  /** What became of the slot of before is with who holds it now. */
  const follow = (): Held => {
    const next = current();
    if (next.slot === held.slot) return held;
    const { standings } = held;
    held = hold(next);
    for (const [connectionId, { messages }] of standings) listener().moved(connectionId, messages);
    return held;
  };

  /** Tells the difference between what was known and what stands there. */
  const compare = (one: Held, before: ReadonlyMap<string, Standing>, removed: ReadonlyMap<string, number>): void => {
    let missing = 0;
    for (const connectionId of new Set([...before.keys(), ...one.standings.keys()])) {
      const more = (one.standings.get(connectionId)?.messages ?? 0) - (before.get(connectionId)?.messages ?? 0) + (removed.get(connectionId) ?? 0);
      if (more > 0) {
        listener().found(connectionId, more);
        // An append whose answer was lost, or something that was settled and is back.
        listener().rewound(connectionId, false);
      } else missing -= more;
    }
    if (missing > 0) logger.error({ slot: one.slot, reason: 'store_unavailable', detail: `${missing} messages` }, 'redis has lost accepted messages');
    for (const connectionId of one.standings.keys()) listener().more(connectionId);
  };

  /** Redis is where it was some time ago: all that was known is gone, and all that stands there is new. */
  const beginAnew = (one: Held, before: ReadonlyMap<string, Standing>): void => {
    const count = (standings: ReadonlyMap<string, Standing>): number => [...standings.values()].reduce((sum, { messages }) => sum + messages, 0);
    logger.error({ slot: one.slot, reason: 'store_unavailable', detail: `${count(before)} messages waited here, ${count(one.standings)} are there now` }, 'redis has lost its latest changes');
    for (const [connectionId, { messages }] of before) listener().moved(connectionId, messages);
    for (const [connectionId, { messages }] of one.standings) listener().found(connectionId, messages);
    for (const connectionId of new Set([...before.keys(), ...one.standings.keys()])) listener().rewound(connectionId, true);
    rewound();
  };

  /** False: the slot is another's. */
  const sync = async (one: Held, tell = compare): Promise<boolean> => {
    const [status, latest, told = [], standings = []] = await send(one, syncScript, []);
    if (status !== 1) return false;
    const before = one.standings;
    const removed = one.unanswered?.turn === latest ? one.unanswered?.removes : undefined;
    one.standings = new Map();
    stand(one, standings);
    one.doubted = false;
    one.unanswered = undefined;
    const isBack = Number(told[5] ?? 0) < totals.position();
    totals.told(told);
    if (!isBack) tell(one, before, removed ?? nothing);
    else {
      beginAnew(one, before);
      throw new BridgeError('store_unavailable', { detail: 'redis has lost its latest changes' });
    }
    return true;
  };

  const answered = async (one: Held, script: Script, args: readonly Argument[], removes: ReadonlyMap<string, number>): Promise<Reply> => {
    try {
      const reply = await send(one, script, args);
      if (reply[0] === -1) throw new BridgeError('store_unavailable', { detail: 'a later call was there before' });
      return reply;
    } catch (error) {
      one.doubted = true;
      one.unanswered = { turn, removes };
      throw error;
    }
  };

  const call = async (script: Script, args: readonly Argument[], { removes = nothing, slot }: Effect = {}): Promise<unknown> => {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const one = follow();
      if (slot !== undefined && slot !== one.slot) return undefined;
      if (!one.doubted || (await sync(one))) {
        const [status, result, told = [], standings = [], news = []] = await answered(one, script, args, removes);
        if (status === 1) {
          totals.told(told);
          stand(one, standings);
          tellNews(news);
          return result;
        }
      }
      await lost(one.slot);
    }
    throw new BridgeError('store_unavailable', { detail: 'no slot of the outbox could be held' });
  };

  return {
    call,
    async callFor(slot, script, args) {
      await send(slot, script, args);
    },
    standings: () => held.standings,
    doubt: () => void (held.doubted = true),
    isDoubted: () => held.doubted,
    async begin() {
      if (!(await sync(follow(), () => undefined))) throw new BridgeError('store_unavailable', { detail: 'the slot of the outbox is not held' });
    },
  };
};
