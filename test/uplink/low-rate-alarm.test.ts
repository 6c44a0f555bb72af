import t from 'tap';
import { openMinutesOf } from '../../src/uplink/calendar-window.js';
import { createLowRateAlarms, type LowRateAlarm } from '../../src/uplink/low-rate-alarm.js';

const workdays = new Set([1, 2, 3, 4, 5]);
const office = { startMinute: 8 * 60, endMinute: 18 * 60, timezone: 'Europe/Paris', days: workdays };
const at = (text: string): number => Date.parse(text);

void t.test('a window opens by the clock of its zone, summer and winter', async (t) => {
  const open = openMinutesOf(office);
  t.equal(open(at('2026-07-01T06:00:00Z')), 0, 'summer: 08:00 in Paris is 06:00 UTC');
  t.equal(open(at('2026-07-01T05:59:00Z')), undefined);
  t.equal(open(at('2026-12-01T07:30:00Z')), 30, 'winter: 08:00 in Paris is 07:00 UTC');
  t.equal(open(at('2026-12-01T16:59:00Z')), 599);
  t.equal(open(at('2026-12-01T17:00:00Z')), undefined, 'the end does not belong to it');
  t.equal(open(at('2026-12-05T12:00:00Z')), undefined, 'a Saturday');
});

void t.test('a window over midnight belongs to the day on which it opens', async (t) => {
  const open = openMinutesOf({ startMinute: 22 * 60, endMinute: 6 * 60, timezone: 'UTC', days: new Set([5]) });
  t.equal(open(at('2026-12-04T22:00:00Z')), 0, 'Friday evening');
  t.equal(open(at('2026-12-05T05:59:00Z')), 479, 'Saturday morning');
  t.equal(open(at('2026-12-05T22:30:00Z')), undefined, 'Saturday evening');
  t.equal(open(at('2026-12-04T05:00:00Z')), undefined, 'Friday morning belongs to Thursday');
});

const alarm: LowRateAlarm = { ...office, uplinksPerHour: 3, message: 'the plant is silent' };

void t.test('an alarm is raised after a whole hour with too few uplinks, and ends when they come', async (t) => {
  let time = at('2026-12-01T06:30:00Z');
  const alarms = createLowRateAlarms([alarm], () => time);
  const forward = (minutes: number): ReturnType<typeof alarms.tick> => {
    time += minutes * 60_000;
    return alarms.tick();
  };
  t.strictSame(forward(60), [], 'open for half an hour only');
  t.match(forward(30), [{ raised: true, uplinks: 0, alarm: { message: 'the plant is silent' } }]);
  t.match(alarms.raised(), [{ since: time }]);
  t.strictSame(forward(1), [], 'told once');
  for (const _ of [1, 2, 3]) alarms.uplink();
  t.match(forward(1), [{ raised: false, uplinks: 3 }]);
  t.strictSame(alarms.raised(), []);
  t.match(forward(61), [{ raised: true, uplinks: 0 }], 'uplinks of an hour ago no longer count');
});

void t.test('an alarm ends with its window', async (t) => {
  let time = at('2026-12-01T15:00:00Z');
  const alarms = createLowRateAlarms([alarm], () => time);
  time += 90 * 60_000;
  t.match(alarms.tick(), [{ raised: true }]);
  time += 60 * 60_000;
  t.match(alarms.tick(), [{ raised: false }]);
});

void t.test('nothing is judged before the connection was watched for an hour', async (t) => {
  let time = at('2026-12-01T12:00:00Z');
  const alarms = createLowRateAlarms([alarm], () => time);
  time += 59 * 60_000;
  t.strictSame(alarms.tick(), []);
  time += 60_000;
  t.match(alarms.tick(), [{ raised: true }]);
});
