import fc from 'fast-check';
import t from 'tap';
import { isoTime } from '../../src/messages/iso-time.js';

const limit = 8_640_000_000_000_000;
const now = Date.parse('2026-11-21T09:00:00.000Z');
const asDate = (times: readonly number[]): boolean => times.every((ms) => isoTime(ms) === new Date(ms).toISOString());

void t.test('as Date.toISOString, whatever came before', (t) => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -limit, max: limit })), asDate));
  fc.assert(fc.property(fc.array(fc.integer({ min: now - 3_000, max: now + 3_000 })), asDate));
  t.equal(isoTime(-1), '1969-12-31T23:59:59.999Z');
  t.equal(isoTime(now + 0.9), '2026-11-21T09:00:00.000Z', 'parts of a millisecond fall away');
  t.end();
});

void t.test('what is no time', (t) => {
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, limit + 1_000]) t.throws(() => isoTime(ms), RangeError);
  t.end();
});
