import { openMinutesOf, type CalendarWindow } from './calendar-window.js';

/** An alarm of ThingPark X's connections: too few uplinks in a calendar window. */
export interface LowRateAlarm extends CalendarWindow {
  readonly uplinksPerHour: number;
  /** What the operator wants to be told. */
  readonly message: string;
}

export interface AlarmChange {
  readonly alarm: LowRateAlarm;
  readonly raised: boolean;
  /** Uplinks of the last hour. */
  readonly uplinks: number;
}

export interface LowRateAlarms {
  /** An uplink was accepted. */
  uplink(): void;
  /** To be called once a minute; gives the alarms that changed. */
  tick(): readonly AlarmChange[];
  /** Those that stand, with the time since when (epoch ms). */
  raised(): readonly { readonly alarm: LowRateAlarm; readonly since: number }[];
}

const minuteMs = 60_000;
const hourMinutes = 60;

/** Uplinks of the last 60 minutes, by minute. */
const createHourCount = (): { add(minute: number): void; total(minute: number): number } => {
  const minutes = new Map<number, number>();
  return {
    add: (minute) => void minutes.set(minute, (minutes.get(minute) ?? 0) + 1),
    total(minute) {
      let sum = 0;
      for (const [at, count] of minutes) {
        if (at <= minute - hourMinutes) minutes.delete(at);
        else sum += count;
      }
      return sum;
    },
  };
};

/** Watches the rate of one connection. Judged once the window has been open, and the connection has been watched, for a whole hour. */
export const createLowRateAlarms = (alarms: readonly LowRateAlarm[], now: () => number = Date.now): LowRateAlarms => {
  const counted = createHourCount();
  const watches = alarms.map((alarm) => ({ alarm, openMinutes: openMinutesOf(alarm), since: undefined as number | undefined }));
  const startedAt = now();

  return {
    uplink() {
      if (alarms.length > 0) counted.add(Math.floor(now() / minuteMs));
    },
    tick() {
      const time = now();
      const uplinks = counted.total(Math.floor(time / minuteMs));
      const watched = time - startedAt >= hourMinutes * minuteMs;
      return watches.flatMap((watch): AlarmChange[] => {
        const open = watch.openMinutes(time);
        const low = watched && open !== undefined && open >= hourMinutes && uplinks < watch.alarm.uplinksPerHour;
        if (low === (watch.since !== undefined)) return [];
        watch.since = low ? time : undefined;
        return [{ alarm: watch.alarm, raised: low, uplinks }];
      });
    },
    raised: () => watches.flatMap(({ alarm, since }) => (since === undefined ? [] : [{ alarm, since }])),
  };
};
