import type { z } from 'zod';
import { crossCheck, field, list, listOf, section, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { maxText, readText, text } from './scalars.js';

export const weekDays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type WeekDay = (typeof weekDays)[number];

const englishDays = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];

const readDay = (value: unknown): WeekDay => {
  const given = typeof value === 'string' ? value.toUpperCase() : '';
  return weekDays.find((day, index) => given === day || given === englishDays[index]) ?? wrong(`must be one of ${weekDays.join(', ')}, or an English name of a day`);
};

const anyCase = (word: string): string => [...word].map((letter) => `[${letter}${letter.toLowerCase()}]`).join('');
const daysPattern = `^(${[...weekDays, ...englishDays].map(anyCase).join('|')})$`;

const byDays = (spec: FieldSpec) => listOf(spec, { what: 'days', min: 1, read: readDay, json: { type: 'string', pattern: daysPattern } });

const clockForm = /^([01]\d|2[0-3]):([0-5]\d)(:[0-5]\d)?$|^24:00(:00)?$/;
/** ThingPark X's own form. Its date says nothing, the window is a daily one. */
const dateTimeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

const isTime = (value: string): boolean => clockForm.test(value) || (dateTimeForm.test(value) && !Number.isNaN(Date.parse(value)));

const time = (spec: FieldSpec) =>
  field({ form: 'HH:MM, or a date and time with its offset', json: { type: 'string', pattern: `${clockForm.source}|${dateTimeForm.source}` }, ...spec }, (value): string =>
    isTime(readText(value)) ? readText(value) : wrong("must be a time of day such as '08:00', or a date and time with its offset"),
  );

const isZone = (name: string): boolean => {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

const timezone = (spec: FieldSpec) =>
  field({ form: 'a time zone of the tz database', json: { type: 'string', pattern: '\\S', maxLength: maxText }, ...spec }, (value): string =>
    isZone(readText(value)) ? readText(value) : wrong('must be a time zone such as Europe/Paris or UTC'),
  );

const maxRate = 1_000_000_000;

const readRate = (value: unknown): number => {
  const rate = typeof value === 'string' && /^\d{1,10}(\.\d{1,6})?$/.test(value) ? Number(value) : value;
  return typeof rate === 'number' && rate > 0 && rate <= maxRate ? rate : wrong(`must be a number over 0 and up to ${maxRate}`);
};

const recurrence = section('Days of the window.', {
  frequency: field({ description: 'Weekly is the only one.', form: 'weekly', json: { type: 'string', pattern: `^${anyCase('WEEKLY')}$` }, hint: 'weekly' }, (value): 'weekly' =>
    typeof value === 'string' && value.toLowerCase() === 'weekly' ? 'weekly' : wrong('must be weekly'),
  ).prefault('weekly'),
  byDays: byDays({ description: 'Days on which the window begins: MO, TU, WE, TH, FR, SA, SU, or their English names.', hint: '[MO, TU, WE, TH, FR]' }),
});

const checkTimes = ({ startTime, endTime }: Loose, report: Report): void => {
  if (typeof startTime === 'string' && startTime === endTime) report(['endTime'], 'is the same as startTime; a whole day is 00:00 to 24:00');
};

const alarm = section('A window of the calendar in which a low rate of uplinks is told.', {
  startTime: time({ description: 'When the window begins, on the clock of the time zone.', hint: "'08:00'" }),
  endTime: time({ description: 'When it ends; on the next day where that is earlier.', hint: "'18:00'" }),
  timezone: timezone({ description: 'Time zone of the window.', hint: 'Europe/Paris' }).prefault('UTC'),
  recurrence: list('On which days; every day when there is none.', recurrence).prefault([]),
  uplinkRateMinPerHour: field({ description: 'With fewer uplinks an hour an event is written.', form: `a number over 0`, json: { type: ['number', 'string'], exclusiveMinimum: 0, maximum: maxRate, pattern: '^\\d{1,10}(\\.\\d{1,6})?$' }, hint: '10' }, readRate),
  message: text({ description: 'Text of the event.', hint: 'Few messages in working hours' }).optional(),
}).check(crossCheck(checkTimes));

/** Alarms of a connection for too few messages, as ThingPark X writes them. */
export const alarms = list('Tells when few uplinks come, as in ThingPark X.', alarm).prefault([]);

export type AlarmConfig = z.output<typeof alarm>;

/** The window of an alarm in plain numbers. */
export interface AlarmWindow {
  /** Minutes after midnight in `timezone`, 0 to 1439. */
  readonly startMinute: number;
  /** 1 to 1440; not after `startMinute`: the window ends on the next day. */
  readonly endMinute: number;
  readonly timezone: string;
  /** Days on which the window begins. */
  readonly days: readonly WeekDay[];
}

const minutesOf = (clock: string): number => {
  const [hours = '0', minutes = '0'] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
};

/** What the clocks of a time zone show at a moment. */
const clockAt = (moment: number, timeZone: string): string => new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(moment);

const minuteOfDay = (written: string, timeZone: string): number => minutesOf(clockForm.test(written) ? written : clockAt(Date.parse(written), timeZone));

export const alarmWindow = ({ startTime, endTime, timezone: zone, recurrence: days }: AlarmConfig): AlarmWindow => {
  const named = new Set(days.flatMap(({ byDays: some }) => some));
  const start = minuteOfDay(startTime, zone);
  const end = minuteOfDay(endTime, zone);
  return { startMinute: start === 1_440 ? 0 : start, endMinute: end === 0 ? 1_440 : end, timezone: zone, days: weekDays.filter((day) => named.size === 0 || named.has(day)) };
};
