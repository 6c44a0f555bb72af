import fc from 'fast-check';
import t from 'tap';
import { frameBytes, pageBytes, readFrames, writeFrame, type Changes } from '../../../../src/store/local/journal/frames.js';
import { recordKey } from '../../../../src/store/local/outbox-keys.js';

const record = (seq: number, size = 100): NonNullable<Changes['records']>[number] => ({ key: recordKey(1, seq), value: Buffer.alloc(size, seq) });

/** A file with these frames, and room for another one. */
const fileOf = (epoch: number, frames: readonly (readonly Changes[])[]): Buffer => {
  const parts = frames.map((changes, number) => {
    const frame = Buffer.alloc(frameBytes(changes), 0xee);
    writeFrame(frame, { epoch, number }, changes);
    return frame;
  });
  return Buffer.concat([...parts, Buffer.alloc(4 * pageBytes)]);
};

const plain = (all: readonly Changes[]): unknown => all.map(({ records = [], removed = [], seen = [], singles = [] }) => ({ records, removed, seen, singles }));
const merged = (frames: readonly (readonly Changes[])[]): unknown =>
  plain(frames.map((changes) => ({
    records: changes.flatMap(({ records = [] }) => records), removed: changes.flatMap(({ removed = [] }) => removed),
    seen: changes.flatMap(({ seen = [] }) => seen), singles: changes.flatMap(({ singles = [] }) => singles),
  })));

const bytes = (length: number): fc.Arbitrary<Buffer> => fc.uint8Array({ minLength: length, maxLength: length }).map((value) => Buffer.from(value));
const anyBytes = fc.uint8Array({ maxLength: 6_000 }).map((value) => Buffer.from(value));
const anyChanges: fc.Arbitrary<Changes> = fc.record({
  records: fc.array(fc.record({ key: bytes(8), value: anyBytes }), { maxLength: 4 }),
  removed: fc.array(bytes(8), { maxLength: 5 }),
  seen: fc.array(fc.tuple(fc.nat({ max: 2 ** 40 }), anyBytes), { maxLength: 3 }),
  singles: fc.array(fc.record({ key: bytes(20), value: bytes(8) }), { maxLength: 3 }),
}, { requiredKeys: [] });

void t.test('what is written is read, in order', async (t) => {
  fc.assert(fc.property(fc.array(fc.array(anyChanges, { minLength: 1, maxLength: 3 }), { maxLength: 5 }), fc.integer({ min: 1, max: 2 ** 47 }), (frames, epoch) => {
    t.same(plain(readFrames(fileOf(epoch, frames), epoch).changes), merged(frames));
  }), { numRuns: 60 });
});

void t.test('a frame takes whole pages', async (t) => {
  t.equal(frameBytes([{ records: [record(1)] }]), pageBytes);
  t.equal(frameBytes([{ records: [record(1, 4_059)] }]), pageBytes, 'with 24 bytes of head and 13 of the item');
  t.equal(frameBytes([{ records: [record(1, 4_060)] }]), 2 * pageBytes);
});

void t.test('frames of other epochs are not there', async (t) => {
  const old = fileOf(5, [[{ records: [record(1)] }], [{ records: [record(2)] }], [{ records: [record(3)] }]]);
  fileOf(7, [[{ records: [record(4)] }]]).copy(old, 0, 0, pageBytes);
  t.same(plain(readFrames(old, 7).changes), merged([[{ records: [record(4)] }]]), 'the epoch before it in the file follows, and is over');
  t.same(readFrames(old, 6), { changes: [], end: 0 });
});

void t.test('the last frame may be torn anywhere: what stands before it holds', async (t) => {
  const frames = [[{ records: [record(1)] }], [{ records: [record(2, 9_000)] }]];
  const whole = fileOf(3, frames);
  for (const page of [1, 2, 3]) {
    const torn = Buffer.from(whole);
    torn.fill(0, page * pageBytes, (page + 1) * pageBytes);
    const { changes, end } = readFrames(torn, 3);
    t.same(plain(changes), merged(frames.slice(0, 1)), `page ${page} did not get there`);
    t.equal(end, pageBytes, 'the next one goes over it');
  }
  t.same(readFrames(Buffer.alloc(8 * pageBytes), 3), { changes: [], end: 0 });
});

void t.test('a damaged frame before a whole one is damage', async (t) => {
  const frames = [1, 2, 3, 4].map((seq) => [{ records: [record(seq, 5_000)] }]);
  const whole = fileOf(3, frames);
  t.equal(readFrames(whole, 3).changes.length, 4);
  for (const place of [0, 5, 12, 15, 19, 30, 4_096, 8_192 + 100, 16_384 + 10]) {
    const damaged = Buffer.from(whole);
    damaged[place] = (damaged[place] ?? 0) ^ 0x10;
    t.throws(() => readFrames(damaged, 3), { message: /journal is damaged before/ }, `at ${place}`);
  }
});
