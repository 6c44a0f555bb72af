import { alarmWindow, weekDays } from '../config/alarms.js';
import type { ConnectionConfig } from '../config/connection.js';
import type { LowRateAlarm } from '../uplink/low-rate-alarm.js';

/** `MO` is the first of the configuration's days, and day 1 of the calendar's, which begins with Sunday as 0. */
const dayNumber = (day: (typeof weekDays)[number]): number => (weekDays.indexOf(day) + 1) % weekDays.length;

export const alarmsOf = ({ alarms }: ConnectionConfig): LowRateAlarm[] =>
  alarms.map((alarm) => {
    const { days, ...window } = alarmWindow(alarm);
    const { uplinkRateMinPerHour, message = `fewer than ${uplinkRateMinPerHour} uplinks an hour` } = alarm;
    return { ...window, days: new Set(days.map(dayNumber)), uplinksPerHour: uplinkRateMinPerHour, message };
  });
