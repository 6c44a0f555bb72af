import { createInTurn } from '../in-turn.js';
import { deadlineIn, within, type Deadline } from '../lifecycle.js';

/** Sessions under one set of options. */
export interface Generation {
  /** A session stands. */
  readonly open: boolean;
  start(): void;
  /** Resolves when it carries as much as the generation before did, or that took too long. */
  ready(): Promise<void>;
  /** Sessions that were about to be taken over go on. */
  takeBack(): void;
  /** Opens no session any more; those that stand go on. */
  retire(): void;
  /** Begins nothing more, and waits for what is under way. */
  drain(deadline: Deadline): Promise<void>;
  /** Ends its sessions. */
  stop(deadline: Deadline): Promise<void>;
}

export interface SuccessionOptions<O, G extends Generation> {
  readonly options: O;
  /** Makes a generation, not started. With a predecessor it takes its sessions over, client id by client id. */
  readonly make: (options: O, predecessor: G | undefined) => G;
  /** Whether a session under the one options is ended by the broker when the same client id comes under the other. */
  readonly sameBroker: (one: O, other: O) => boolean;
  /** All sessions are ended, and new ones are opened. */
  readonly startingAnew: () => void;
}

/** Lets one generation of sessions take over from another without a gap. */
export interface Succession<O, G extends Generation> {
  /** The one that the owner's state is about. */
  readonly current: G;
  /** The options that were asked for last. */
  readonly wanted: O;
  /** Every generation that may have sessions; the current one first. */
  readonly alive: readonly G[];
  start(): void;
  /**
   * Resolves when the new generation took over, or its first attempt failed. Then the old one goes on beside it, and the new one
   * keeps trying until it takes over or is itself replaced. Under another address, or with nothing open, the old one ends first.
   */
  replace(options: O): Promise<void>;
  /** A generation got in: the broker ended its predecessor's session, so it succeeds. */
  admitted(generation: G): void;
  /** An attempt of a generation failed. */
  failed(generation: G): void;
  stop(deadline: Deadline): Promise<void>;
}

/** How long the old sessions may take for what they have in flight, ms. */
const drainMs = 5_000;
/** How long they may take to say goodbye after that, ms. */
const leaveMs = 2_000;

export const createSuccession = <O, G extends Generation>({ options: first, make, sameBroker, startingAnew }: SuccessionOptions<O, G>): Succession<O, G> => {
  const inTurn = createInTurn();
  let options = first;
  let current = make(first, undefined);
  let heir: { readonly generation: G; readonly options: O } | undefined;
  let leaving: G | undefined;
  let alive: readonly G[] = [current];
  let decided: () => void = () => undefined;
  let handover: Promise<void> = Promise.resolve();
  let started = false;
  let stopped = false;

  /** Kept ready, because every publish asks for it. */
  const count = (): void => void (alive = [current, leaving, heir?.generation].filter((one): one is G => one !== undefined));

  const endOf = async (generation: G): Promise<void> => {
    generation.retire();
    await generation.drain(deadlineIn(drainMs));
    await generation.stop(deadlineIn(leaveMs));
  };

  const dropHeir = async (): Promise<void> => {
    const dropped = heir;
    heir = undefined;
    if (dropped === undefined) return;
    await endOf(dropped.generation);
    current.takeBack();
    count();
  };

  const handOver = async (from: G, to: G): Promise<void> => {
    from.retire();
    await to.ready();
    await endOf(from);
    leaving = undefined;
    count();
    decided();
  };

  const startAnew = async (next: O): Promise<void> => {
    if (started) await endOf(current);
    options = next;
    current = make(next, undefined);
    count();
    if (!started || stopped) return;
    startingAnew();
    current.start();
  };

  const takeOver = async (next: O): Promise<void> => {
    const outcome = new Promise<void>((resolve) => (decided = resolve));
    const generation = make(next, current);
    heir = { generation, options: next };
    count();
    generation.start();
    await outcome;
  };

  const replace = async (next: O): Promise<void> => {
    await handover;
    await dropHeir();
    if (stopped) return;
    if (started && current.open && sameBroker(options, next)) await takeOver(next);
    else await startAnew(next);
  };

  return {
    get current() {
      return current;
    },
    get wanted() {
      return heir?.options ?? options;
    },
    get alive() {
      return alive;
    },
    start() {
      started = true;
      current.start();
    },
    replace: (next) => inTurn('replace', () => replace(next)),
    admitted(generation) {
      if (heir?.generation !== generation) return;
      leaving = current;
      ({ generation: current, options } = heir);
      heir = undefined;
      count();
      handover = handOver(leaving, current);
    },
    failed(generation) {
      if (heir?.generation === generation) decided();
    },
    async stop(deadline) {
      stopped = true;
      decided();
      await within(deadline, Promise.all(alive.map((generation) => generation.stop(deadline))).then(() => undefined));
    },
  };
};
