import { fileURLToPath } from 'node:url';
import { startProgram } from '../test/end-to-end/support/program.js';
import { endProgram, type BenchBroker } from './broker.js';
import type { ObserverSettings } from './observer-process.js';
import { plainEnvironment } from './plain-environment.js';
import type { Arrivals } from './types.js';

export interface ObserverOptions {
  /** Topic filters that it subscribes to at QoS 0; default everything. At full speed each copy costs the broker about 5 µs and the observer 7 µs, so where only a sample is wanted a narrow filter leaves the machine to the target. */
  readonly filters?: readonly string[];
}

/** A process at the far side of the broker, which counts. Between two windows it is not subscribed, and costs nothing. */
export interface Observer {
  readonly pid: number;
  /** Resolves when the broker has subscribed it; the count begins at 0. */
  begin(): Promise<void>;
  /** How many came since `begin`. */
  count(): Promise<number>;
  /**
   * Resolves when everything is counted that the broker took before. `perSecond` is between the first and the last arrival; the
   * latencies are 0 when no message told when it was sent.
   */
  end(): Promise<Arrivals>;
  stop(): Promise<void>;
}

const path = fileURLToPath(new URL('./observer-process.js', import.meta.url));

/** An answer waits behind all that the broker still has for the observer, ms. */
const answerMs = 60_000;

export const startObserver = async ({ plainPort }: Pick<BenchBroker, 'plainPort'>, { filters = ['#'] }: ObserverOptions = {}): Promise<Observer> => {
  const settings: ObserverSettings = { port: plainPort, filters };
  const program = startProgram(process.execPath, [path, JSON.stringify(settings)], plainEnvironment());
  let last = 0;
  const ask = (what: 'begin' | 'count' | 'end') => {
    const id = (last += 1);
    program.send({ do: what, id });
    return program.waitFor(`the observer's answer to ${what}`, (line) => line['answer'] === id, answerMs);
  };
  const stop = (): Promise<void> => endProgram(program);
  try {
    await program.waitFor('the observer', (line) => line['listening'] === true);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: program.pid,
    begin: async () => void (await ask('begin')),
    count: async () => Number((await ask('count'))['count']),
    async end() {
      const { answer: _, ...arrivals } = await ask('end');
      return arrivals as unknown as Arrivals;
    },
    stop,
  };
};
