import type { Logger } from '../../log.js';
import type { ThingMemory, ThingRecord } from '../../uplink/ports.js';
import { deviceKeyOf } from './keys.js';
import { forgetThingsScript, putThingsScript, thingsOfScript } from './memory-scripts.js';
import type { RedisLink } from './redis-link.js';
import { createWriteBehind } from './write-behind.js';

export interface RedisThings extends ThingMemory {
  /** Writes what is still to be written, while Redis answers. Never throws. */
  flush(): Promise<void>;
}

export interface RedisThingsOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly logger: Logger;
}

/** Most things that are held while Redis is away; those that are dropped are looked up in AWS again after a restart. */
const bound = 100_000;

const keyOf = (connectionId: string, deviceId: string): string => `${connectionId} ${deviceId}`;
const recordOf = (text: string): ThingRecord => JSON.parse(text) as ThingRecord;

/** Things in one hash for each connection, so that a connection is forgotten in one step, however many it has. */
export const createRedisThings = ({ link, tag, logger }: RedisThingsOptions): RedisThings => {
  const pending = createWriteBehind<ThingRecord>({
    link,
    bound,
    logger,
    overflow: 'more things changed than can be held while redis is away; the oldest are looked up in AWS again after a restart',
    write: async (things) => void (await link.call(putThingsScript, ...things.flatMap(([, thing]) => [thing.connectionId, deviceKeyOf(thing.deviceId), JSON.stringify(thing)]))),
  });

  return {
    async find(connectionId, deviceId) {
      const unwritten = pending.get(keyOf(connectionId, deviceId));
      if (unwritten !== undefined) return unwritten;
      const text = await link.run((client) => client.hget(`${tag}:things:${connectionId}`, deviceKeyOf(deviceId)));
      return text === null ? undefined : recordOf(text);
    },
    put: (record) => pending.put(keyOf(record.connectionId, record.deviceId), record),
    async of(deviceId) {
      await pending.flush();
      const texts = (await link.call(thingsOfScript, deviceKeyOf(deviceId))) as string[];
      return texts.map(recordOf);
    },
    async forget(connectionId) {
      // A write that is under way was sent before, so Redis takes it before.
      for (const [key, thing] of [...pending.entries()]) if (thing.connectionId === connectionId) pending.drop(key);
      await link.call(forgetThingsScript, connectionId);
    },
    flush: () => pending.flush(),
  };
};
