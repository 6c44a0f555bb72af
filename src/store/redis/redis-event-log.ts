import type { EventLog } from '../../api/ports.js';
import type { Logger } from '../../log.js';
import type { BridgeEvent, EventSubject } from '../../messages/bridge-event.js';
import { createEventStorms } from './event-storms.js';
import type { RedisLink } from './redis-link.js';
import { noteEventsScript } from './resource-scripts.js';
import { readStreamPage } from './stream-page.js';
import { createWriteBehind } from './write-behind.js';

export interface RedisEventLog extends EventLog {
  /** Writes what is still to be written, while Redis answers. Never throws. */
  flush(): Promise<void>;
}

export interface RedisEventLogOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly logger: Logger;
  readonly now: () => number;
  /** Called once, when it is closed. */
  readonly closed: () => void;
}

/** At least so many events of a subject, and of all together, are kept; Redis drops the older ones by whole blocks. */
const kept = { subject: 200, all: 5_000 };
/** The log of a subject about which nothing was noted for so long is dropped, ms: it may have been deleted. */
const quietMs = 30 * 86_400_000;
/** Most events that are held while Redis is away. */
const bound = 2_000;

const subjectKeyOf = ({ kind, id }: EventSubject): string => `${kind}:${id}`;

/** Events in capped streams, one for each subject and one for all. */
export const createRedisEventLog = ({ link, tag, logger, now, closed }: RedisEventLogOptions): RedisEventLog => {
  let count = 0;
  let isClosed = false;

  const pending = createWriteBehind<BridgeEvent>({
    link,
    bound,
    logger,
    overflow: 'more events were noted than can be held while redis is away; the oldest are missing in the log of events',
    write: async (events) => void (await link.call(noteEventsScript, kept.subject, kept.all, quietMs, ...events.flatMap(([, event]) => [subjectKeyOf(event.subject), JSON.stringify(event)]))),
  });

  const put = (event: BridgeEvent): void => {
    count += 1;
    pending.put(String(count), event);
  };

  const storms = createEventStorms({ told: put, now });

  return {
    note(event) {
      if (!isClosed && !storms.isTooMany(event)) put(event);
    },
    async events(subject, page) {
      await pending.flush();
      const { entries, ...rest } = await readStreamPage(link, subject === undefined ? `${tag}:events` : `${tag}:events:${subjectKeyOf(subject)}`, page);
      return { entries: entries.map(({ id, text }) => ({ ...(JSON.parse(text) as BridgeEvent), id })), ...rest };
    },
    flush: () => pending.flush(),
    async close() {
      if (isClosed) return;
      isClosed = true;
      storms.tell();
      storms.close();
      await pending.flush();
      closed();
    },
  };
};
