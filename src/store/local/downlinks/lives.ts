import type { DownlinkLife, DownlinkLives, DownlinkStep } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import { hashKey } from '../keys.js';
import { decodeValue, encodeValue, timeOf } from '../json-value.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';
import { createGathered } from './gathered.js';
import type { Sweep } from './sweeper.js';

export interface LocalLives extends DownlinkLives {
  readonly sweep: Sweep;
  readonly flush: () => void;
}

export interface LivesParts {
  readonly environment: Environment<DownlinkTables>;
  readonly writer: Writer;
  readonly now: () => number;
}

interface Noted {
  readonly key: Buffer;
  readonly life: DownlinkLife;
}

/** Most steps that are kept of a life. */
const mostSteps = 64;
/** How long a life is remembered after its last change, ms. */
const rememberMs = 86_400_000;
/** Steps of one downlink often follow each other at once and are then written together. */
const gatherMs = 200;
const mostGathered = 100_000;

const isSame = (one: DownlinkStep, other: DownlinkStep): boolean => one.state === other.state && one.attempt === other.attempt;

const joined = (before: DownlinkLife | undefined, after: DownlinkLife): DownlinkLife => {
  if (before === undefined) return after;
  const added = after.steps.filter((step) => !before.steps.some((known) => isSame(known, step)));
  return { ...before, ...after, steps: [...before.steps, ...added].slice(-mostSteps) };
};

export const createLives = ({ environment, writer, now }: LivesParts): LocalLives => {
  const storedIn = ({ lives }: DownlinkTables, key: Buffer): DownlinkLife | undefined => {
    const value = lives.getBinary(key);
    return value === undefined || timeOf(value) <= now() - rememberMs ? undefined : decodeValue<DownlinkLife>(value);
  };

  const gathered = createGathered<Noted>({
    writer,
    afterMs: gatherMs,
    most: mostGathered,
    plan(tables, noted) {
      const time = now();
      const values = noted.map(({ key, life }) => ({ key, value: encodeValue(time, joined(storedIn(tables, key), life)) }));
      return ({ lives }) => { for (const { key, value } of values) void lives.put(key, value); };
    },
  });

  return {
    note(life, step) {
      const key = hashKey(life.downlinkId);
      const text = key.toString('hex');
      gathered.set(text, { key, life: joined(gathered.get(text)?.life, { ...life, steps: [step] }) });
    },
    async find(downlinkId) {
      const key = hashKey(downlinkId);
      const noted = gathered.get(key.toString('hex'))?.life;
      const stored = reading(environment, (tables) => storedIn(tables, key));
      return noted === undefined ? stored : joined(stored, noted);
    },
    sweep: { table: 'lives', isOver: (_, value) => timeOf(value) <= now() - rememberMs, isWriting: (key) => gathered.has(key.toString('hex')) },
    flush: gathered.flush,
  };
};
