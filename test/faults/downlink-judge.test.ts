import t from 'tap';
import { judgeSent, slowestMs, type OtherEnd } from '../../faults/downlink-judge.js';
import { correlationIdOf, deviceOf } from '../end-to-end/support/downlinks.js';
import type { Arrival } from '../end-to-end/support/network-server.js';

const device = deviceOf(0, 'd0');
const ids = [0, 1, 2, 3].map((number) => correlationIdOf(device, number));
const ending = ['queued', 'submitted', 'sent'];

const arrival = (number: number, at = 0): Arrival => ({ at, status: 200, id: '', fCnt: 0, devEui: device, fPort: 7, payload: number.toString(16).padStart(8, '0'), confirmed: false, flush: false, correlationIds: [] });

interface Given {
  readonly taken?: readonly number[];
  /** States by number; those that are absent ended well. */
  readonly states?: Readonly<Record<number, readonly string[]>>;
  readonly expected?: Readonly<Record<number, OtherEnd>>;
}

const judged = ({ taken = [0, 1, 2, 3], states = {}, expected = {} }: Given) => {
  const byId = new Map(Object.entries(states).map(([number, list]) => [correlationIdOf(device, Number(number)), list]));
  return judgeSent({ sent: ids, expected: new Map(Object.entries(expected).map(([number, end]) => [correlationIdOf(device, Number(number)), end])), states: (id) => byId.get(id) ?? ending, taken: taken.map((number) => arrival(number)) });
};

const good = { sent: 4, final: 4, unfinished: 0, failed: 0, lost: 0, twice: 0, outOfOrder: 0, wrong: [] };

void t.test('all is well', async (t) => {
  t.strictSame(judged({}), good);
  t.strictSame(judged({ states: { 2: ['queued', 'sent', 'sent'] } }), good, 'a state that is told twice is one state');
});

void t.test('what is wrong is seen', async (t) => {
  t.match(judged({ taken: [0, 1, 3], states: { 2: ['queued'] } }), { final: 3, unfinished: 1, lost: 1, wrong: [/^1 downlinks have no final state, such as .*-2 \(queued\)$/] });
  t.match(judged({ taken: [0, 1, 3] }), { final: 4, lost: 1, wrong: [] }, 'its status says sent, and nobody has it');
  t.match(judged({ states: { 1: ['queued', 'sent', 'failed'] } }), { final: 3, failed: 1, wrong: [/more than one final state/, /failed, such as/, /although the network server has them/] });
  t.match(judged({ taken: [0, 2, 1, 3, 3] }), { twice: 1, outOfOrder: 1 });
  t.match(judged({ taken: [0, 1, 2, 3, 9] }), { wrong: [/came that nobody sent/] });
});

void t.test('what a row expects is held against it', async (t) => {
  const failing = { taken: [0, 1, 3], states: { 2: ['queued', 'failed'] } };
  t.match(judged({ ...failing, expected: { 2: 'failed' } }), { final: 4, failed: 1, lost: 0, wrong: [] });
  t.match(judged(failing), { failed: 1, lost: 0, wrong: [/^1 downlinks failed/] });
  t.match(judged({ expected: { 2: 'failed' } }), { wrong: [/did not fail/] });
  t.match(judged({ taken: [0, 1, 3], states: { 2: ['queued'] }, expected: { 2: 'unfinished' } }), { final: 3, unfinished: 1, lost: 0, wrong: [] });
});

void t.test('the slowest is one that has not come, or the one that took longest', async (t) => {
  const sentAt = new Map(ids.map((id) => [id, 100]));
  t.equal(slowestMs(ids.slice(0, 2), sentAt, [arrival(0, 130), arrival(1, 170), arrival(1, 900)]), 70);
  t.ok(slowestMs(ids, new Map(ids.map((id) => [id, performance.now() - 5_000])), [arrival(0, performance.now())]) >= 5_000);
});
