import t from 'tap';
import { damageOf, decodeParked, decodeRecord, encodeParked, encodeRecord } from '../../../src/store/local/record-encoding.js';
import { minuteOf, recordKey, recordRange, seenKey, seqOf } from '../../../src/store/local/outbox-keys.js';
import { newRecord } from '../../contracts/outbox-samples.js';

void t.test('a record comes back as it was', async (t) => {
  for (const fields of [{}, { payload: Buffer.alloc(0), topic: '' }, { topic: 'é温🌡', deviceId: 'x'.repeat(100_000) }, { expiresAt: 1e15, acceptedAt: 0.5 }]) {
    const record = newRecord('a', fields);
    const value = encodeRecord(record);
    t.equal(damageOf(value), undefined);
    t.strictSame(decodeRecord('main', 7, value), { seq: 7, ...record });
    const parking = { reason: 'topic_invalid', detail: 'zu läng', parkedAt: 9 } as const;
    t.strictSame(decodeParked('main', 7, encodeParked(value, parking)), { seq: 7, ...record, ...parking });
  }
});

void t.test('every flipped byte and every cut is noticed', async (t) => {
  const value = encodeRecord(newRecord('a'));
  for (let at = 0; at < value.length; at += 1) {
    const flipped = Buffer.from(value);
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    if (damageOf(flipped) === undefined) t.fail(`byte ${at} flipped`);
    if (damageOf(value.subarray(0, at)) === undefined) t.fail(`cut at ${at}`);
  }
  const future = Buffer.from(value);
  future[0] = 2;
  t.equal(damageOf(future), 'its version 2 is unknown');
});

void t.test('keys sort by connection, then by position', async (t) => {
  const keys = [recordKey(0, 1), recordKey(0, 255), recordKey(0, 256), recordKey(0, 2 ** 40), recordKey(1, 1), recordKey(300, 0)];
  t.same([...keys].sort((one, other) => Buffer.compare(one, other)), keys);
  t.equal(seqOf(recordKey(9, 2 ** 47 + 3)), 2 ** 47 + 3);
  t.same(recordRange(3, 41).start, recordKey(3, 42));
  t.same(recordRange(3, -5).start, recordKey(3, 0));
});

void t.test('an event time that is no time falls into bucket 0', async (t) => {
  t.same([0, -1, Number.NaN, Number.NEGATIVE_INFINITY, 59_999].map(minuteOf), [0, 0, 0, 0, 0]);
  t.equal(minuteOf(120_000), 2);
  t.equal(minuteOf(Number.POSITIVE_INFINITY), 0xffff_ffff);
  t.equal(seenKey(120_000, Buffer.alloc(16, 1)).toString('hex'), `00000002${'01'.repeat(16)}`);
});
