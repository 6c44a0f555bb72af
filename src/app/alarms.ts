import type { NoteEvent } from '../messages/bridge-event.js';
import type { Line } from './line.js';

export interface WatchAlarmsOptions {
  readonly lines: () => Iterable<Line>;
  readonly note: NoteEvent;
}

/** Windows and rates are in whole minutes. */
const everyMs = 60_000;

/** Looks once a minute whether the alarms of the connections begin or end, and notes each change. */
export const watchAlarms = ({ lines, note }: WatchAlarmsOptions): { stop(): void } => {
  const look = (): void => {
    for (const { id, alarms } of lines()) {
      for (const { alarm, raised, uplinks } of alarms.tick()) {
        const detail = `${alarm.message}: ${uplinks} uplinks in the last hour, ${alarm.uplinksPerHour} are expected`;
        note({ subject: { kind: 'connection', id }, time: Date.now(), level: raised ? 'warning' : 'info', text: raised ? 'alarm raised' : 'alarm ended', reason: 'low_message_rate', detail });
      }
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return { stop: () => clearInterval(timer) };
};
