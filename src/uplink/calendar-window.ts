/** A window that opens on some days of the week, in the time of one zone. */
export interface CalendarWindow {
  /** Minutes after midnight. An end that is not after the start lies on the next day. */
  readonly startMinute: number;
  readonly endMinute: number;
  /** IANA name, such as `Europe/Paris`. */
  readonly timezone: string;
  /** Days on which it opens; 0 = Sunday. */
  readonly days: ReadonlySet<number>;
}

const minutesPerDay = 1_440;
const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Weekday and minute of the day in a zone, daylight saving included. */
const localTime = (format: Intl.DateTimeFormat, time: number): { readonly day: number; readonly minute: number } => {
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
  return { day: dayNames.indexOf(parts.get('weekday') ?? ''), minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
};

/** Tells for how many whole minutes the window has been open at a time (epoch ms); undefined while it is closed. */
export const openMinutesOf = ({ startMinute, endMinute, timezone, days }: CalendarWindow): ((time: number) => number | undefined) => {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const length = endMinute > startMinute ? endMinute - startMinute : endMinute + minutesPerDay - startMinute;
  return (time) => {
    const { day, minute } = localTime(format, time);
    const today = minute - startMinute;
    if (days.has(day) && today >= 0 && today < length) return today;
    const sinceYesterday = today + minutesPerDay;
    return days.has((day + 6) % 7) && sinceYesterday < length ? sinceYesterday : undefined;
  };
};
