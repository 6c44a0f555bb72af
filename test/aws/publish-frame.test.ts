/** Frames of our own are byte for byte those of mqtt-packet. */
import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import t from 'tap';
import { publishFrame } from '../../src/aws/publish-frame.js';

const expected = (topic: string, payload: Buffer, messageId: number, protocolVersion: 4 | 5): Buffer =>
  generate({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId }, { protocolVersion });

const topic = 'tpx/things/70B3D57ED0001234/uplink';

void t.test('at every border of the length', async (t) => {
  for (const version of [4, 5] as const) {
    const overhead = publishFrame({ topic, payload: Buffer.alloc(0) }, 1, version).length - 2;
    for (const border of [0x80, 0x4000, 0x20_0000]) {
      for (const length of [border - 1, border, border + 1]) {
        const payload = Buffer.alloc(length - overhead, 0x61);
        t.ok(publishFrame({ topic, payload }, 7, version).equals(expected(topic, payload, 7, version)), `MQTT ${version}, ${length} bytes`);
      }
    }
  }
});

void t.test('of any topic, payload and packet id', async (t) => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(4 as const, 5 as const), (text, bytes, id, version) => {
    const payload = Buffer.from(bytes);
    const name = text.replace(/[+#\0]/g, 'x');
    return publishFrame({ topic: name, payload }, id, version).equals(expected(name, payload, id, version));
  }));
  t.pass('all of them');
});

void t.test('what no packet can hold is refused', async (t) => {
  t.throws(() => publishFrame({ topic: 'x'.repeat(65_536), payload: Buffer.alloc(0) }, 1, 5), RangeError);
  t.throws(() => publishFrame({ topic, payload: { length: 0x1000_0000 } as Uint8Array }, 1, 5), RangeError);
});
