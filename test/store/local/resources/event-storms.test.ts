import t from 'tap';
import type { BridgeEvent } from '../../../../src/messages/bridge-event.js';
import { createEventStorms } from '../../../../src/store/local/resources/event-storms.js';

const event = (more: Partial<BridgeEvent> = {}): BridgeEvent => ({ subject: { kind: 'connection', id: 'main' }, time: 7, level: 'warning', text: 'uplink skipped', reason: 'thing_missing', ...more });

void t.test('five of the same event in a second are admitted, and the rest is counted when the second is over', async (t) => {
  let now = 100;
  const storms = createEventStorms(() => now);
  const admitted = Array.from({ length: 12 }, (_, index) => storms.admits(event({ time: index, deviceId: `d${index}`, detail: `of ${index}` })));
  t.same(admitted, [...Array<boolean>(5).fill(true), ...Array<boolean>(7).fill(false)]);
  now = 1_099;
  t.same(storms.ended(), []);
  t.ok(storms.pending());
  now = 1_100;
  t.strictSame(storms.ended(), [{ ...event({ time: 11 }), detail: '7 more like this within a second were left out' }]);
  t.notOk(storms.pending());
  t.ok(storms.admits(event()), 'a new second');
});

void t.test('subject, text and reason make an event the same; what else it says does not', async (t) => {
  const storms = createEventStorms(() => 0);
  for (let index = 0; index < 10; index += 1) storms.admits(event());
  t.notOk(storms.admits(event({ level: 'error', detail: 'other', messageId: 'm' })));
  t.ok(storms.admits(event({ text: 'state OPENED' })));
  t.ok(storms.admits(event({ reason: 'thing_foreign' })));
  t.ok(storms.admits(event({ subject: { kind: 'network-server', id: 'main' } })));
  t.match(storms.ended(true), [{ detail: '6 more like this within a second were left out' }], 'also before the second is over');
});

void t.test('a second that is over is counted when its event comes again', async (t) => {
  let now = 0;
  const storms = createEventStorms(() => now);
  for (let index = 0; index < 6; index += 1) storms.admits(event());
  now = 5_000;
  t.ok(storms.admits(event()));
  t.match(storms.ended(), [{ detail: '1 more like this within a second were left out' }]);
});

void t.test('ten thousand different events at once are no reason to keep more in memory', async (t) => {
  const storms = createEventStorms(() => 0);
  for (let index = 0; index < 6; index += 1) storms.admits(event());
  const others = Array.from({ length: 10_000 }, (_, index) => storms.admits(event({ text: `n${index}` })));
  t.equal(others.filter((admitted) => admitted).length, 10_000);
  t.ok(storms.admits(event()), 'the first second ended early');
  t.equal(storms.ended().length, 1);
});
