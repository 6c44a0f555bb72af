import { reasons, type Reason } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { NoteEvent } from '../../messages/bridge-event.js';
import { createRecentMap } from '../../recent-map.js';
import type { Trouble, TroubleListener } from './troubles.js';

/** What a person who looks after the connection reads afterwards. */
export interface RegistrarNotes extends TroubleListener {
  /** A device has no thing of ours; told once an hour for each device and reason. */
  refused(deviceId: string, reason: Reason, detail: string): void;
  thingTypeMade(typeName: string): void;
}

const repeatAfterMs = 3_600_000;
const remembered = 20_000;

export const createRegistrarNotes = (connectionId: string, logger: Logger, note: NoteEvent): RegistrarNotes => {
  const told = createRecentMap<number>(remembered);
  const subject = { kind: 'connection', id: connectionId } as const;
  return {
    refused(deviceId, reason, detail) {
      const key = `${reason} ${deviceId}`;
      const now = Date.now();
      if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < repeatAfterMs) return;
      told.set(key, now);
      note({ subject, time: now, level: 'warning', text: reason === 'thing_missing' ? 'uplinks skipped' : 'thing not registered', reason, detail, deviceId });
      logger.debug({ connection_id: connectionId, dev_eui: deviceId, reason, detail }, 'the device has no thing of ours');
    },
    thingTypeMade(typeName) {
      note({ subject, time: Date.now(), level: 'info', text: 'thing type made', detail: typeName });
      logger.info({ connection_id: connectionId, detail: typeName }, 'thing type made');
    },
    began({ reason, detail, since }: Trouble) {
      note({ subject, time: since, level: 'error', text: 'registration fails', reason, detail });
      logger.warn({ connection_id: connectionId, reason, detail }, 'registration of devices fails, trying again');
    },
    ended(reason) {
      note({ subject, time: Date.now(), level: 'info', text: 'registration works again', detail: reasons[reason].title, reason });
      logger.info({ connection_id: connectionId, reason }, 'registration of devices works again');
    },
  };
};
