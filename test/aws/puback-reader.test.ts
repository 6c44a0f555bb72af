/** Plain PUBACKs are picked out of what a broker sends, wherever it is cut; all else comes through as it was. */
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import t from 'tap';
import { createPubackReader } from '../../src/aws/puback-reader.js';

interface Found {
  readonly acknowledged: readonly (readonly [number, number])[];
  readonly other: Buffer;
}

/** What the reader makes of a stream that comes in pieces. */
const readIn = (pieces: readonly Buffer[]): Found => {
  const acknowledged: (readonly [number, number])[] = [];
  const other: Buffer[] = [];
  const read = createPubackReader({ acknowledged: (id, code) => void acknowledged.push([id, code]), other: (bytes) => void other.push(Buffer.from(bytes)) });
  for (const piece of pieces) read(piece);
  return { acknowledged, other: Buffer.concat(other) };
};

/** Cuts at places that are given in thousandths of the whole. */
const cut = (whole: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...places.map((place) => Math.floor((place * whole.length) / 1_000)).sort((one, two) => one - two), whole.length];
  return ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end)).filter(({ length }) => length > 0);
};

const made = (packet: Packet, protocolVersion: 4 | 5 = 5): Buffer => generate(packet, { protocolVersion });

const ack = (messageId: number, reasonCode = 0, version: 4 | 5 = 5): Buffer => made({ cmd: 'puback', messageId, reasonCode }, version);

const others: readonly { readonly name: string; readonly bytes: Buffer }[] = [
  { name: 'CONNACK', bytes: made({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false, properties: { receiveMaximum: 100 } }) },
  { name: 'PINGRESP', bytes: made({ cmd: 'pingresp' }) },
  { name: 'DISCONNECT with a reason', bytes: made({ cmd: 'disconnect', reasonCode: 0x87, properties: { reasonString: 'not allowed' } }) },
  { name: 'DISCONNECT without one', bytes: Buffer.from([0xe0, 0]) },
  { name: 'PUBACK with a text', bytes: made({ cmd: 'puback', messageId: 9, reasonCode: 0x97, properties: { reasonString: 'too fast' } }) },
  { name: 'PUBACK without an identifier', bytes: Buffer.from([0x40, 1, 7]) },
  { name: 'PUBACK whose length takes two bytes', bytes: Buffer.from([0x40, 0x82, 0, 0, 9]) },
  { name: 'PUBACK with flags', bytes: Buffer.from([0x42, 2, 0, 9]) },
  { name: 'PUBLISH of many bytes', bytes: made({ cmd: 'publish', topic: 'a/b', payload: Buffer.alloc(70_000, 0x40), qos: 0, dup: false, retain: false }) },
];

void t.test('the PUBACKs of both versions, with and without a reason code', async (t) => {
  t.strictSame(readIn([ack(1, 0, 4)]), { acknowledged: [[1, 0]], other: Buffer.alloc(0) });
  t.strictSame(readIn([Buffer.concat([ack(2), ack(0xfffe, 0x87), ack(256, 0x10)])]).acknowledged, [[2, 0], [0xfffe, 0x87], [256, 0x10]]);
  t.strictSame(readIn([Buffer.from([0x40, 3, 1, 2, 0x97])]).acknowledged, [[0x102, 0x97]], 'a reason code and no length of properties');
});

for (const { name, bytes } of others) {
  void t.test(`${name} comes through whole`, async (t) => {
    const { acknowledged, other } = readIn([Buffer.concat([ack(1), bytes, ack(2, 0x80)])]);
    t.strictSame(acknowledged, [[1, 0], [2, 0x80]]);
    t.ok(other.equals(bytes));
  });
}

void t.test('wherever the stream is cut', async (t) => {
  const packet = fc.oneof(
    fc.record({ id: fc.integer({ min: 1, max: 65_535 }), code: fc.constantFrom(0, 0x10, 0x80, 0x87, 0x97), version: fc.constantFrom(4 as const, 5 as const) }),
    fc.nat({ max: others.length - 1 }),
  );
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 30 }), fc.array(fc.nat({ max: 1_000 }), { maxLength: 40 }), (packets, places) => {
      const acknowledged: (readonly [number, number])[] = [];
      const passed: Buffer[] = [];
      const whole = packets.map((one) => {
        if (typeof one === 'number') return passed[passed.push(others[one]?.bytes ?? Buffer.alloc(0)) - 1] ?? Buffer.alloc(0);
        acknowledged.push([one.id, one.version === 4 ? 0 : one.code]);
        return ack(one.id, one.code, one.version);
      });
      const found = readIn(cut(Buffer.concat(whole), places));
      t.strictSame(found.acknowledged, acknowledged);
      return found.other.equals(Buffer.concat(passed));
    }),
  );
});

void t.test('each byte alone', async (t) => {
  const whole = Buffer.concat([ack(3), others[2]?.bytes ?? Buffer.alloc(0), ack(4, 0x87), ack(5, 0, 4)]);
  const { acknowledged, other } = readIn([...whole].map((byte) => Buffer.from([byte])));
  t.strictSame(acknowledged, [[3, 0], [4, 0x87], [5, 0]]);
  t.ok(other.equals(others[2]?.bytes ?? Buffer.alloc(0)));
});

void t.test('after a length that no packet can have everything goes to who finds the fault', async (t) => {
  const whole = Buffer.concat([ack(1), Buffer.from([0x40, 0xff, 0xff, 0xff, 0xff, 1]), ack(2)]);
  const { acknowledged, other } = readIn([whole.subarray(0, 9), whole.subarray(9)]);
  t.strictSame(acknowledged, [[1, 0]]);
  t.ok(other.equals(whole.subarray(ack(1).length)));
});
