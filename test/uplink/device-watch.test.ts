import fc from 'fast-check';
import { Registry } from 'prom-client';
import t from 'tap';
import type { BridgeEvent } from '../../src/messages/bridge-event.js';
import type { Message, NetworkServerKind } from '../../src/messages/message.js';
import { createMetricFamily } from '../../src/metric-family.js';
import { createDeviceMetrics } from '../../src/uplink/device-metrics.js';
import { createDeviceWatch } from '../../src/uplink/device-watch.js';

const minute = 60_000;
const hour = 60 * minute;
const eventTime = Date.parse('2026-11-01T00:00:00Z');

interface Heard {
  readonly device?: string;
  readonly devAddr?: string;
  /** When the network server received it, minutes after the first; absent where it does not say. */
  readonly at?: number;
  readonly from?: string;
  readonly kind?: NetworkServerKind;
}

interface Figures {
  readonly missing: number;
  readonly late: number;
  readonly resets: number;
  readonly silent: number;
}

const messageOf = (type: 'uplink' | 'join', fCnt: number | undefined, { device = '0018b20000000001', devAddr, from = 'city', kind = 'chirpstack' }: Heard): Message =>
  ({ id: '00', type, deviceId: device, networkServer: { id: from, kind }, receivedAt: '2026-11-01T00:00:00.000Z', payload: '', ...(fCnt === undefined ? {} : { fCnt }), ...(devAddr === undefined ? {} : { devAddr }) });

/** A watch with a clock of its own, which starts anywhere. */
const setWatch = (limit?: number) => {
  const registry = new Registry();
  const networkServers = createMetricFamily(registry, 'network_server', ['city', 'port']);
  const events: BridgeEvent[] = [];
  let time = 12_345_678;
  const watch = createDeviceWatch({
    metrics: createDeviceMetrics(networkServers, (id) => watch.silent(id)),
    note: (event) => events.push(event),
    now: () => time,
    ...(limit === undefined ? {} : { limit }),
  });
  const seen = (message: Message, { at }: Heard): void => watch.seen(message, at === undefined ? 0 : eventTime + at * minute);
  return {
    watch,
    events,
    uplink: (fCnt?: number, heard: Heard = {}): void => seen(messageOf('uplink', fCnt, heard), heard),
    join: (heard: Heard = {}): void => seen(messageOf('join', undefined, heard), heard),
    forward: (ms: number): void => {
      time += ms;
      watch.tick();
    },
    figures: async (from = 'city'): Promise<Figures> => {
      const lines = (await registry.metrics()).split('\n');
      const read = (name: string): number => Number(lines.find((line) => line.startsWith(`lpwan_bridge_${name}{network_server="${from}"} `))?.split(' ')[1]);
      return { missing: read('fcnt_missing_total'), late: read('fcnt_late_total'), resets: read('fcnt_resets_total'), silent: read('devices_silent') };
    },
  };
};

const none: Figures = { missing: 0, late: 0, resets: 0, silent: 0 };

const sequences: readonly { name: string; fCnts: readonly (readonly [number, Heard?])[]; expect: Partial<Figures> }[] = [
  { name: 'each after the other', fCnts: [[7], [8], [9]], expect: {} },
  { name: 'the first FCnt is the start, whatever it is', fCnts: [[4_711]], expect: {} },
  { name: 'a gap', fCnts: [[1], [5], [6], [8]], expect: { missing: 4 } },
  { name: 'the same FCnt again is neither', fCnts: [[1], [1], [1], [2]], expect: {} },
  { name: 'one that comes late is not missing', fCnts: [[1, { at: 0 }], [3, { at: 2 }], [2, { at: 1 }], [4, { at: 3 }]], expect: { missing: 1, late: 1 } },
  { name: 'a late one without a time', fCnts: [[1], [3], [2], [4]], expect: { missing: 1, late: 1 } },
  { name: 'one before the start that comes late was never missing', fCnts: [[100, { at: 100 }], [40, { at: 40 }], [99, { at: 99 }], [101, { at: 101 }]], expect: {} },
  { name: 'many late ones, after an hour', fCnts: [[1, { at: 1 }], [62, { at: 62 }], ...Array.from({ length: 60 }, (_, index): [number, Heard] => [index + 2, { at: index + 2 }]), [63, { at: 63 }]], expect: { missing: 60, late: 60 } },
  { name: 'an FCnt of 16 bits rolls over', fCnts: [[65_534], [65_535], [0], [1]], expect: {} },
  { name: 'a gap over the end of 16 bits', fCnts: [[65_533], [2]], expect: { missing: 4 } },
  { name: 'a late one over the end of 16 bits', fCnts: [[65_534, { at: 1 }], [0, { at: 3 }], [65_535, { at: 2 }], [1, { at: 4 }]], expect: { missing: 1, late: 1 } },
  { name: 'an FCnt of 32 bits goes on', fCnts: [[65_535], [65_536], [65_538]], expect: { missing: 1 } },
  { name: 'the end of 32 bits', fCnts: [[4_294_967_294], [4_294_967_295]], expect: {} },
  { name: 'a reset without a new DevAddr', fCnts: [[500, { at: 1 }], [0, { at: 2 }], [1, { at: 3 }]], expect: { resets: 1 } },
  { name: 'a reset after few uplinks, told by the time', fCnts: [[5, { at: 1 }], [0, { at: 2 }], [1, { at: 3 }], [3, { at: 4 }]], expect: { resets: 1, missing: 1 } },
  { name: 'a reset without a time', fCnts: [[500], [0], [1]], expect: { resets: 1 } },
  { name: 'a late one of before the reset', fCnts: [[500, { at: 1 }], [0, { at: 3 }], [499, { at: 0 }], [1, { at: 4 }]], expect: { resets: 1 } },
  { name: 'a jump that no session makes', fCnts: [[1], [20_000_000], [20_000_001]], expect: { resets: 1 } },
  { name: 'the widest gap of a session', fCnts: [[1], [16_385]], expect: { missing: 16_383 } },
  { name: 'a new DevAddr begins a session, upwards and downwards', fCnts: [[10, { devAddr: '01000001' }], [50, { devAddr: '01000002' }], [0, { devAddr: 'ff000003' }], [1, { devAddr: 'ff000003' }]], expect: { resets: 2 } },
  { name: 'a late one of the session before is neither', fCnts: [[10, { devAddr: '01000001', at: 1 }], [0, { devAddr: '01000002', at: 3 }], [11, { devAddr: '01000001', at: 2 }], [1, { devAddr: '01000002', at: 4 }]], expect: { resets: 1 } },
  { name: 'a DevAddr that is not always told, or is none', fCnts: [[1, { devAddr: '01000001' }], [2], [3, { devAddr: 'none' }], [5, { devAddr: '01000001' }]], expect: { missing: 1 } },
  { name: 'the numbers of Sigfox are no FCnts', fCnts: [[1, { kind: 'sigfox' }], [1, { kind: 'sigfox' }], [90, { kind: 'sigfox' }], [3, { kind: 'sigfox' }]], expect: {} },
  { name: 'a gateway with a clock of the future does not hide a reset', fCnts: [[500, { at: 1e8 }], [0], [1]], expect: { resets: 1 } },
];

for (const { name, fCnts, expect } of sequences) {
  void t.test(name, async (t) => {
    const { uplink, figures } = setWatch();
    for (const [fCnt, heard] of fCnts) uplink(fCnt, heard);
    t.strictSame(await figures(), { ...none, ...expect });
    t.strictSame(await figures('port'), none, 'other network servers have no part in it');
  });
}

void t.test('a join begins a session, also with the same DevAddr', async (t) => {
  const { uplink, join, figures } = setWatch();
  join();
  uplink(40, { devAddr: '01000001' });
  join();
  uplink(3, { devAddr: '01000001' });
  t.match(await figures(), { missing: 0, resets: 1 });
  uplink(5, { devAddr: '01000001' });
  t.match(await figures(), { missing: 1, resets: 1 });
  uplink(0, { devAddr: '01000002' });
  join();
  uplink(1, { devAddr: '01000002' });
  t.match(await figures(), { missing: 1, resets: 2 }, 'a join that is told after its first uplink is counted once');
});

void t.test('uplinks in any order within a few places: nothing is missing in the end', async (t) => {
  const order = fc.tuple(fc.integer({ min: 0, max: 70_000 }), fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 2, maxLength: 60 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(order, async ([start, delays, timed]) => {
      const { uplink, figures } = setWatch();
      const heard = delays.map((delay, index) => ({ index: index + 1, place: index + delay })).sort((one, other) => one.place - other.place);
      const at = (index: number): Heard => (timed ? { at: index } : {});
      uplink(start % 65_536, at(0));
      for (const { index } of heard) uplink((start + index) % 65_536, at(index));
      const { missing, late, resets } = await figures();
      t.strictSame({ left: missing - late, resets }, { left: 0, resets: 0 });
    }),
    { numRuns: 200, seed: 5 },
  );
});

void t.test('devices are told apart by network server', async (t) => {
  const { uplink, figures } = setWatch();
  uplink(1, { from: 'city' });
  uplink(9, { from: 'port' });
  uplink(2, { from: 'city' });
  uplink(11, { from: 'port' });
  t.strictSame(await figures('city'), none);
  t.strictSame(await figures('port'), { ...none, missing: 1 });
});

void t.test('the number of devices is bounded: the one not heard for longest is forgotten', async (t) => {
  const { uplink, figures } = setWatch(2);
  uplink(1, { device: 'a' });
  uplink(1, { device: 'b' });
  uplink(2, { device: 'a' });
  uplink(1, { device: 'c' });
  uplink(5, { device: 'b' });
  t.match(await figures(), { missing: 0 }, 'b begins anew');
  uplink(9, { device: 'c' });
  t.match(await figures(), { missing: 7 }, 'c is still known');
  const long = 'x'.repeat(129);
  uplink(1, { device: long });
  uplink(9, { device: long });
  t.match(await figures(), { missing: 7 }, 'a device with such an id is not watched');
});

/** Speaks `count` times, `gap` ms apart. */
const speak = ({ uplink, forward }: ReturnType<typeof setWatch>, { count, gap, from = 1, heard = {} }: { count: number; gap: number; from?: number; heard?: Heard }): void => {
  for (let index = 0; index < count; index += 1) {
    if (index > 0) forward(gap);
    uplink(from + index, heard);
  }
};

void t.test('a device that stops is silent after an hour, told once, and told when it speaks again', async (t) => {
  const scene = setWatch();
  speak(scene, { count: 5, gap: 10 * minute });
  scene.forward(hour);
  t.match(await scene.figures(), { silent: 0 });
  scene.forward(minute);
  scene.forward(hour);
  t.match(await scene.figures(), { silent: 1 });
  t.match(scene.events, [{ subject: { kind: 'network-server', id: 'city' }, level: 'warning', text: 'device fell silent', deviceId: '0018b20000000001', detail: 'nothing for 61 min; its uplinks usually come every 10 min' }]);
  scene.uplink(6);
  t.match(await scene.figures(), { silent: 0, missing: 0 });
  t.equal(scene.events.length, 2);
  t.match(scene.events[1], { level: 'info', text: 'device speaks again', deviceId: '0018b20000000001', detail: 'nothing for 121 min; its uplinks usually come every 10 min' });
});

void t.test('a device that speaks every six hours has three times as long', async (t) => {
  const scene = setWatch();
  speak(scene, { count: 6, gap: 6 * hour });
  scene.forward(18 * hour);
  t.match(await scene.figures(), { silent: 0 });
  scene.forward(minute);
  t.match(await scene.figures(), { silent: 1 });
});

void t.test('four uplinks are too few, and told twice counts once', async (t) => {
  const scene = setWatch();
  speak(scene, { count: 4, gap: minute });
  scene.uplink(4);
  scene.uplink(4);
  scene.forward(100 * hour);
  t.match(await scene.figures(), { silent: 0 });
  t.strictSame(scene.events, []);
});

void t.test('a device that speaks in bursts is not silent between them', async (t) => {
  const scene = setWatch();
  for (const day of [0, 1, 2, 3, 4, 5]) {
    speak(scene, { count: 4, gap: minute, from: 1 + 4 * day });
    const before = scene.events.length;
    scene.forward(20 * hour);
    if (day > 1) t.equal(scene.events.length, before, `the night after day ${day}`);
  }
  t.match(await scene.figures(), { silent: 0 });
});

void t.test('when a whole network falls silent, a part is told of at a time', async (t) => {
  const scene = setWatch();
  for (let fCnt = 0; fCnt < 5; fCnt += 1) {
    scene.forward(minute);
    for (let index = 0; index < 10_001; index += 1) scene.uplink(fCnt, { device: String(index) });
  }
  scene.forward(2 * hour);
  t.match(await scene.figures(), { silent: 10_000 });
  scene.forward(minute);
  t.match(await scene.figures(), { silent: 10_001 });
});

void t.test('a join is a sign of life', async (t) => {
  const scene = setWatch();
  speak(scene, { count: 5, gap: 10 * minute });
  scene.forward(2 * hour);
  t.match(await scene.figures(), { silent: 1 });
  scene.join();
  t.match(await scene.figures(), { silent: 0 });
  t.match(scene.events.at(-1), { text: 'device speaks again' });
});

void t.test('devices without an FCnt and those of Sigfox are watched for silence', async (t) => {
  const scene = setWatch();
  for (let index = 0; index < 5; index += 1) {
    scene.forward(10 * minute);
    scene.uplink(undefined, { device: 'plain' });
    scene.uplink(index, { device: 'sigfox', kind: 'sigfox', from: 'port' });
    scene.uplink(index, { device: 'sigfox', kind: 'sigfox', from: 'port' });
  }
  scene.forward(61 * minute);
  t.match([await scene.figures('city'), await scene.figures('port')], [{ silent: 1 }, { silent: 1 }]);
});

void t.test('the silent ones of a network server that is gone, and those forgotten, are not counted', async (t) => {
  const scene = setWatch(2);
  speak(scene, { count: 5, gap: 10 * minute, heard: { device: 'a' } });
  speak(scene, { count: 5, gap: 10 * minute, heard: { device: 'b', from: 'port' } });
  scene.forward(2 * hour);
  t.match([await scene.figures('city'), await scene.figures('port')], [{ silent: 1 }, { silent: 1 }]);
  scene.uplink(1, { device: 'c', from: 'port' });
  t.match([await scene.figures('city'), await scene.figures('port')], [{ silent: 0 }, { silent: 1 }], 'a had to go');
  scene.watch.keep(new Set(['city']));
  t.match(await scene.figures('port'), { silent: 0 });
  scene.uplink(9, { device: 'b', from: 'port' });
  t.match(await scene.figures('port'), { missing: 0 }, 'what comes again begins anew');
});

void t.test('a device id that is no proper text is one like any other', async (t) => {
  const { uplink, figures } = setWatch(2);
  for (const fCnt of [1, 3, 5, 7]) for (const device of ['\ud800', '\ud801']) uplink(fCnt, { device });
  t.match(await figures(), { missing: 6 });
});

void t.test('messages of other types, and those of no network server, are left out', async (t) => {
  const scene = setWatch();
  scene.uplink(1);
  scene.watch.seen({ ...messageOf('uplink', 9, {}), type: 'downlink-status', state: 'sent' }, 0);
  const { networkServer: _none, ...own } = messageOf('uplink', 9, {});
  scene.watch.seen(own, 0);
  scene.uplink(2);
  t.strictSame(await scene.figures(), none);
});
