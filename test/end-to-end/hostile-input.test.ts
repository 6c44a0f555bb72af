/** Everything at once against one bridge: whatever a stranger sends gets a 4xx or is cut off, and honest network servers notice nothing. */
import { sample } from 'fast-check';
import t, { type Test } from 'tap';
import type { NetworkServerKind } from '../../src/messages/message.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { fuzzRuns, fuzzSeed } from '../support/fuzz.js';
import { anyRequest, changedFixture, type Sent } from '../support/fuzz-requests.js';
import type { TestBridge } from './support/bridge.js';
import { startSandbox } from './support/broker.js';
import { harmlessBodies, hostileBodies, hostileHttp, request, type HostileCase } from './support/hostile-requests.js';
import { startSlowSenders } from './support/hostile-senders.js';
import { exchange, openRaw } from './support/hostile-socket.js';
import { anonymousMb, socketRoom, startWatch } from './support/hostile-watch.js';
import { uplinkBody } from './support/load.js';
import { expectBalance, setScene, startIn } from './support/scenarios.js';

/** Anonymous memory that the bridge may take under all of this together, MB. */
const mostMb = 400;
/** A sender has 30 s for its request, looked at every 2 s: this is far more. */
const slowSenderMs = 50_000;

/** Answers name what is wrong, and quote little of a body; an address, of at most 16 KB, may come back. Bytes. */
const longestAnswer = 17_000;

const ingressOf = ({ program }: TestBridge): string => String(program.lines.find((line) => line['msg'] === 'ready')?.['ingress']);

const tryCases = async (t: Test, ingress: string, cases: readonly HostileCase[]): Promise<void> => {
  for (const { name, bytes, gets } of cases) {
    const { statuses, closed, received } = await exchange(ingress, [bytes]);
    const [got = closed ? 'closed' : 'nothing'] = statuses;
    t.ok(gets.includes(got as number | 'closed'), `${name}: ${got}`);
    t.notOk(statuses.some((status) => status >= 500), `${name}: no fault of the bridge`);
    t.ok(received < longestAnswer, `${name}: the answer does not grow with the request`);
  }
};

const megabyte = Buffer.alloc(1_000_000, 0x20);
const hundredMegabytes = (start: string, piece: readonly (Buffer | string)[]): (Buffer | string)[] => [start, ...Array.from({ length: 100 }, () => piece).flat()];
const head = 'POST /in/chirpstack?event=up HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

const tooLong = async (t: Test, ingress: string): Promise<void> => {
  const bodies: [name: string, pieces: (Buffer | string)[]][] = [
    ['declared', hundredMegabytes(`${head}content-length: 100000000\r\n\r\n`, [megabyte])],
    ['in chunks', hundredMegabytes(`${head}transfer-encoding: chunked\r\n\r\n`, [`${megabyte.length.toString(16)}\r\n`, megabyte, '\r\n'])],
  ];
  for (const [name, pieces] of bodies) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(ingress, pieces)));
    for (const { statuses, sent } of answers) {
      t.notOk(statuses.some((status) => status !== 413), `100 MB ${name}: ${statuses.join(' ') || 'cut off'}`);
      t.ok(sent < 50_000_000, `cut off long before its end, after ${sent} bytes`);
    }
  }
  const over = await exchange(ingress, [request(Buffer.alloc(1_048_577, 0x20))]);
  t.strictSame(over.statuses, [413], 'one byte over the limit');
};

const pipelines = async (t: Test, ingress: string): Promise<void> => {
  const good = (fCnt: number): Buffer => request(uplinkBody('bbbb000000000001', fCnt), { path: '/in/chirpstack?event=up' });
  const many = await exchange(ingress, Array.from({ length: 300 }, (_, fCnt) => good(fCnt)).slice(0, 1).concat(Buffer.concat(Array.from({ length: 299 }, (_, fCnt) => good(fCnt + 1)))), { answers: 300 });
  t.strictSame(many.statuses, Array.from({ length: 300 }, () => 204), '300 requests in one write are answered in order');
  const mixed = await exchange(ingress, [Buffer.concat([good(300), request('{'), good(301), Buffer.from('GARBAGE\r\n\r\n')])], { answers: 4 });
  t.ok(mixed.closed || mixed.statuses.includes(400), 'garbage behind requests ends the connection');
  t.notOk(mixed.statuses.some((status) => status !== 204 && status !== 400), `answers: ${mixed.statuses.join(' ')}`);
  const flood = await exchange(ingress, [Buffer.concat([good(302), Buffer.alloc(5_000_000, 'GARBAGE ')])], { answers: 2 });
  t.notOk(flood.statuses.some((status) => status >= 500), `5 MB of garbage behind a request: ${flood.statuses.join(' ')}`);
  const halfClosed = await exchange(ingress, [good(303)], { end: true });
  t.notOk(halfClosed.statuses.some((status) => status !== 204), 'a sender that closes its side at once is answered or cut off');
};

/** Senders that go away in the middle of a header, a body, a chunk, or before their answer. */
const goneSenders = async (t: Test, ingress: string): Promise<void> => {
  const starts = [head, `${head}content-length: 1000\r\n\r\n{"a":`, `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"a`, request(uplinkBody('bbbb000000000002', 1)).toString('latin1')];
  const left = await Promise.all(Array.from({ length: 200 }, (_, index) => exchange(ingress, [starts[index % starts.length] ?? ''], { leave: true })));
  t.equal(left.length, 200, '200 senders went away');
};

const idleSockets = async (t: Test, ingress: string): Promise<void> => {
  const count = socketRoom(5_000);
  const idle = Array.from({ length: count }, () => openRaw(ingress));
  await Promise.all(idle.map(({ socket }) => new Promise<void>((resolve) => void socket.once('connect', resolve).once('close', () => resolve()))));
  const open = idle.filter(({ isClosed }) => !isClosed()).length;
  t.equal(open, count, `${open} sockets are open and say nothing`);
  const { statuses } = await exchange(ingress, [request(uplinkBody('bbbb000000000003', 1))]);
  t.strictSame(statuses, [204], 'a webhook beside them');
  for (const { socket } of idle) socket.destroy();
};

const asRequest = (kind: NetworkServerKind, { request: { method, path, rawQuery, mediaType, body } }: Sent): Buffer =>
  request(method === 'GET' ? '' : body, { method, path: `/in/${kind}${encodeURI(path)}${rawQuery === '' ? '' : `?${encodeURI(rawQuery).slice(0, 6_000)}`}`, type: mediaType === '' ? 'text/plain' : mediaType });

/** The inputs of the parsers' own fuzzing, through HTTP, the flows and the store. */
const fuzzed = async (t: Test, ingress: string): Promise<void> => {
  for (const kind of Object.keys(networkServerAdapters) as NetworkServerKind[]) {
    const inputs = [...sample(changedFixture(kind), { seed: fuzzSeed, numRuns: fuzzRuns(250) }), ...sample(anyRequest(kind), { seed: fuzzSeed, numRuns: fuzzRuns(250) })];
    const counts = new Map<number, number>();
    const waiting = [...inputs];
    const lane = async (): Promise<void> => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        const bytes = asRequest(kind, one);
        const { statuses: [status = 0] } = await exchange(ingress, [bytes]);
        counts.set(status, (counts.get(status) ?? 0) + 1);
        if (status < 200 || status >= 500) t.fail(`${kind}: ${status} for ${bytes.toString('latin1').slice(0, 2_000)}`);
      }
    };
    await Promise.all(Array.from({ length: 10 }, lane));
    t.ok((counts.get(204) ?? 0) + (counts.get(200) ?? 0) > 0 && (counts.get(400) ?? 0) > 0, `${kind}, ${inputs.length} requests, FUZZ_SEED=${fuzzSeed}: ${[...counts].map((pair) => pair.join(' × ')).join(', ')}`);
  }
};

/** A batch may be as long as the body: its answer must stay one that proxies and clients take. */
const longBatch = async (t: Test, bridge: TestBridge): Promise<void> => {
  const made = await bridge.api('POST', '/network-servers', { id: 'batches', kind: 'sigfox', authenticate: 'none', batchPattern: '{device};{time};{data};{seqNumber}' });
  t.equal(made.status, 201);
  const lines = Array.from({ length: 20_000 }, (_, index) => `${(0xa00000 + index).toString(16)};1763718900;00;${index % 4_096}`);
  const answer = await bridge.call('/in/batches', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: `batch=${lines.join('\n')}` });
  t.equal(answer.status, 204);
  t.equal(String(answer.headers['x-message-id']).split(' ').length, 100, 'the first hundred ids');
  t.equal(await bridge.metric('lpwan_bridge_messages_accepted_total{network_server="batches"}'), lines.length);
};

const slowSendersEnded = async (t: Test, slow: ReturnType<typeof startSlowSenders>): Promise<void> => {
  await Promise.all(slow.map((raw) => raw.ended(slowSenderMs)));
  t.ok(slow.every(({ isClosed }) => isClosed()), `${slow.length} slow senders are cut off`);
  t.notOk(slow.some(({ statuses }) => statuses().some((status) => status !== 408)), 'with 408, or without a word');
};

void t.test('hostile input at the ingress', async (t) => {
  const scene = await setScene(t, () => startSandbox());
  const bridge = await startIn(t, scene);
  const ingress = ingressOf(bridge);
  const restMb = anonymousMb(bridge.program.pid);
  const slow = startSlowSenders(ingress, 100);
  const watch = startWatch(bridge);
  await t.test('bodies that are made to hurt', (t) => tryCases(t, ingress, hostileBodies));
  await t.test('names that mean something to JavaScript', (t) => tryCases(t, ingress, harmlessBodies));
  await t.test('requests that break HTTP', (t) => tryCases(t, ingress, hostileHttp));
  await t.test('bodies over the limit', (t) => tooLong(t, ingress));
  await t.test('pipelines', (t) => pipelines(t, ingress));
  await t.test('senders that go away', (t) => goneSenders(t, ingress));
  await t.test('thousands of idle sockets', (t) => idleSockets(t, ingress));
  await t.test('changed and arbitrary webhooks', (t) => fuzzed(t, ingress));
  await t.test('a batch of 20,000 messages', (t) => longBatch(t, bridge));
  await t.test('slow senders', (t) => slowSendersEnded(t, slow));
  const { honest, ready, slowestMs, peakMb } = await watch.stop();
  t.comment(`honest webhooks: ${[...honest].map((pair) => pair.join(' × ')).join(', ')}; the slowest took ${Math.round(slowestMs)} ms; memory ${Math.round(restMb)} MB at rest, ${Math.round(peakMb)} MB at most`);
  t.strictSame([...honest.keys()], [204], 'every honest webhook got its 204');
  t.strictSame([...ready.keys()], [200], '/ready stayed 200');
  t.ok(peakMb < mostMb, `at most ${Math.round(peakMb)} MB of anonymous memory`);
  const { body } = await bridge.private('/metrics');
  t.match(body, /lpwan_bridge_messages_rejected_total\{[^}]*reason="internal_error"[^}]*\}/, 'internal errors are counted');
  t.strictSame(body.split('\n').filter((line) => /messages_rejected_total\{.*internal_error/.test(line) && !line.endsWith(' 0')), [], 'and there was none');
  t.equal(bridge.program.stderr(), '');
  await expectBalance(t, bridge);
  t.equal(await bridge.stop(), 0);
});
