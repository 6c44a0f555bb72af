import type { DownlinkLife, DownlinkLives, DownlinkStep } from '../../downlink/ports.js';
import type { Logger } from '../../log.js';
import { noteLifeScript } from './memory-scripts.js';
import type { RedisLink } from './redis-link.js';
import { createWriteBehind } from './write-behind.js';

export interface RedisLives extends DownlinkLives {
  /** Writes what is still to be written, while Redis answers. Never throws. */
  flush(): Promise<void>;
}

export interface RedisLivesOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly logger: Logger;
}

/** How long a life is kept after its last change, ms. */
const keptMs = 86_400_000;
/** Most steps that are held while Redis is away. */
const bound = 20_000;

interface Noted {
  readonly life: Omit<DownlinkLife, 'steps'>;
  readonly step: DownlinkStep;
}

const fieldOf = ({ state, attempt }: DownlinkStep): string => `${state} ${attempt}`;

const argumentsOf = ({ life, step }: Noted): string[] => {
  const { downlinkId, connectionId, deviceId, correlationId = '', networkServerId = '' } = life;
  return [downlinkId, connectionId, deviceId, correlationId, networkServerId, fieldOf(step), JSON.stringify(step)];
};

/** Steps are the fields with a blank, and begin with their number. */
const stepsOf = (fields: Readonly<Record<string, string>>): readonly DownlinkStep[] =>
  Object.entries(fields)
    .filter(([field]) => field.includes(' '))
    .map(([, value]) => ({ number: Number.parseInt(value, 10), step: JSON.parse(value.slice(value.indexOf(' ') + 1)) as DownlinkStep }))
    .sort((one, other) => one.number - other.number)
    .map(({ step }) => step);

export const createRedisLives = ({ link, tag, logger }: RedisLivesOptions): RedisLives => {
  const pending = createWriteBehind<Noted>({
    link,
    bound,
    logger,
    overflow: 'more states of downlinks were noted than can be held while redis is away; the oldest are missing in their lives',
    write: async (noted) => void (await link.call(noteLifeScript, keptMs, ...noted.flatMap(([, one]) => argumentsOf(one)))),
  });

  return {
    note(life, step) {
      const key = `${life.downlinkId} ${fieldOf(step)}`;
      if (pending.get(key) === undefined) pending.put(key, { life, step });
    },
    async find(downlinkId) {
      await pending.flush();
      const fields = await link.run((client) => client.hgetall(`${tag}:life:${downlinkId}`));
      const { connectionId, deviceId, correlationId, networkServerId } = fields;
      if (connectionId === undefined || deviceId === undefined) return undefined;
      const known = { ...(correlationId === undefined ? {} : { correlationId }), ...(networkServerId === undefined ? {} : { networkServerId }) };
      return { downlinkId, connectionId, deviceId, ...known, steps: stepsOf(fields) };
    },
    flush: () => pending.flush(),
  };
};
