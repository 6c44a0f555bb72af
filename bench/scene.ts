import { startBroker, type BenchBroker } from './broker.js';
import { startObserver, type Observer } from './observer.js';

/** How long and how often is measured. */
export interface Extent {
  /** `quick`: under a minute. `full`: what the published table is made of. */
  readonly form: 'quick' | 'full';
  /** Of one window. */
  readonly seconds: number;
  readonly rounds: number;
  /** Of each run against enforced quotas. */
  readonly quotaMinutes: number;
}

interface Stoppable {
  stop(): Promise<unknown>;
}

/** What a row measures with. */
export interface Scene extends Extent {
  /** The one of the whole run, started when it is first asked for; so is the observer. */
  broker(): Promise<BenchBroker>;
  observer(): Promise<Observer>;
  /** Has what was started ended with the row, the last first. */
  own<T extends Stoppable>(started: Promise<T>): Promise<T>;
  /** One line for whoever waits. */
  tell(text: string): void;
}

/** Ends everything that is on it, the last first; one that fails to end keeps no other from it. What comes after the end ends at once. */
export interface Endings {
  add(one: Stoppable): void;
  readonly end: () => Promise<void>;
}

export const createEndings = (): Endings => {
  const open: Stoppable[] = [];
  let ended = false;
  return {
    add(one) {
      if (ended) void one.stop().catch(() => undefined);
      else open.push(one);
    },
    end: async () => {
      ended = true;
      for (let last = open.pop(); last !== undefined; last = open.pop()) await last.stop().catch(() => undefined);
    },
  };
};

/** Started once, however often it is asked for. */
const once = <T extends Stoppable>(start: () => Promise<T>, endings: Endings): (() => Promise<T>) => {
  let started: Promise<T> | undefined;
  return () =>
    (started ??= start().then((one) => {
      endings.add(one);
      return one;
    }));
};

/** What all rows of a run share. */
export interface Stage {
  scene(endings: Endings): Scene;
  close(): Promise<void>;
}

export const createStage = (extent: Extent, tell: (text: string) => void): Stage => {
  const shared = createEndings();
  const broker = once(startBroker, shared);
  const observer = once(async () => startObserver(await broker()), shared);
  return {
    scene: (endings) => ({
      ...extent,
      broker,
      observer,
      async own(started) {
        const one = await started;
        endings.add(one);
        return one;
      },
      tell,
    }),
    close: () => shared.end(),
  };
};
