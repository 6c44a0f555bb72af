import { until } from '../../support/until.js';
import type { TestBridge } from './bridge.js';
import { request, type HostileCase } from './hostile-requests.js';
import type { SlowSender } from './hostile-senders.js';
import { exchange, openRaw, type RawConnection } from './hostile-socket.js';
import { socketRoom } from './hostile-watch.js';
import { uplinkBody } from './load.js';

/** Notes whether something is as it must be. */
export type Judge = (isSo: boolean, text: string) => unknown;

export const ingressOf = ({ program }: TestBridge): string => String(program.lines.find((line) => line['msg'] === 'ready')?.['ingress']);

/** Answers name what is wrong, and quote little of a body; an address, of at most 16 KB, may come back. Bytes. */
const longestAnswer = 17_000;

/** Sends each, and holds the answer against what it must be. */
export const tryCases = async (judge: Judge, ingress: string, cases: readonly HostileCase[]): Promise<void> => {
  for (const { name, bytes, gets } of cases) {
    const { statuses, closed, received } = await exchange(ingress, [bytes]);
    const [got = closed ? 'closed' : 'nothing'] = statuses;
    judge(gets.includes(got as number | 'closed'), `${name}: ${got}`);
    judge(statuses.every((status) => status < 500), `${name}: no fault of the bridge`);
    judge(received < longestAnswer, `${name}: the answer does not grow with the request`);
  }
};

const megabyte = Buffer.alloc(1_000_000, 0x20);
const hundredMegabytes = (start: string, piece: readonly (Buffer | string)[]): (Buffer | string)[] => [start, ...Array.from({ length: 100 }, () => piece).flat()];
const head = 'POST /in/chirpstack?event=up HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

/** Bodies of 100 MB, ten beside each other, and one of a byte too much. */
export const tooLong = async (judge: Judge, ingress: string): Promise<void> => {
  const bodies: [name: string, pieces: (Buffer | string)[]][] = [
    ['declared', hundredMegabytes(`${head}content-length: 100000000\r\n\r\n`, [megabyte])],
    ['in chunks', hundredMegabytes(`${head}transfer-encoding: chunked\r\n\r\n`, [`${megabyte.length.toString(16)}\r\n`, megabyte, '\r\n'])],
  ];
  for (const [name, pieces] of bodies) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(ingress, pieces)));
    for (const { statuses, sent } of answers) {
      judge(statuses.every((status) => status === 413), `100 MB ${name}: ${statuses.join(' ') || 'cut off'}`);
      judge(sent < 50_000_000, `cut off long before its end, after ${sent} bytes`);
    }
  }
  const { statuses } = await exchange(ingress, [request(Buffer.alloc(1_048_577, 0x20))]);
  judge(statuses.length === 1 && statuses[0] === 413, `one byte over the limit: ${statuses.join(' ')}`);
};

/** Senders that go away in the middle of a header, a body, a chunk, or before their answer. */
export const sendersGone = async (judge: Judge, ingress: string): Promise<void> => {
  const starts = [head, `${head}content-length: 1000\r\n\r\n{"a":`, `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"a`, request(uplinkBody('bbbb000000000002', 1)).toString('latin1')];
  const left = await Promise.all(Array.from({ length: 200 }, (_, index) => exchange(ingress, [starts[index % starts.length] ?? ''], { leave: true })));
  judge(left.length === 200, '200 senders went away');
};

/** Most connections that a bridge keeps open by default (`ingress.maxConnections`). */
export const mostConnections = 2_000;

/** Fewer than wait to be accepted at once (511, Node's default): of more a sender takes some for open that the bridge never hears of. */
const openedAtOnce = 250;

/** Opens sockets, and knows that the bridge accepted them: it accepts in turn, and answers one that came after them. */
const openIdle = async (ingress: string, count: number): Promise<readonly RawConnection[]> => {
  const idle = Array.from({ length: count }, () => openRaw(ingress, true));
  await Promise.all(idle.map(({ socket }) => new Promise<void>((resolve) => void socket.once('connect', resolve).once('close', () => resolve()))));
  await exchange(ingress, ['GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n'], { timeoutMs: 30_000 });
  return idle;
};

/**
 * Sockets that are opened and say nothing, not even TLS, while `beside` runs. The bridge closes those beyond its bound, and webhooks beside them are taken.
 * Resolves with how many there were, as the limit of open files allows.
 */
export const idleSockets = async (judge: Judge, ingress: string, most: number, beside: () => Promise<unknown>): Promise<number> => {
  const count = socketRoom(most);
  const idle: RawConnection[] = [];
  const open = (): number => idle.filter(({ isClosed }) => !isClosed()).length;
  try {
    while (idle.length < count) idle.push(...(await openIdle(ingress, Math.min(openedAtOnce, count - idle.length))));
    await until(`${count} sockets that say nothing become ${mostConnections}`, () => open() <= mostConnections, 30_000);
    await beside();
    const { statuses } = await exchange(ingress, [request(uplinkBody('bbbb000000000003', 1))]);
    judge(statuses.join(' ') === '204', `a webhook beside them: ${statuses.join(' ')}`);
    judge(open() > 0, 'some of them stayed to the end');
    return count;
  } finally {
    for (const { socket } of idle) socket.destroy();
  }
};

/** Every one of them is cut off within the time. */
export const slowSendersEnded = async (judge: Judge, slow: readonly SlowSender[], timeoutMs: number): Promise<void> => {
  await Promise.all(slow.map((raw) => raw.ended(timeoutMs)));
  judge(slow.every(({ isClosed }) => isClosed()), `${slow.length} slow senders are cut off`);
  judge(slow.every(({ statuses }) => statuses().every((status) => status === 408)), 'with 408, or without a word');
};
