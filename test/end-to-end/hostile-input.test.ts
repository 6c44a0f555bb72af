/**
 * One kind of attack after the other against one bridge: whatever a stranger sends gets a 4xx or is cut off, and honest network servers notice nothing.
 * All at once, with slow senders and idle sockets, under load and over TLS: faults/rows/hostile.ts.
 */
import { sample } from 'fast-check';
import t, { type Test } from 'tap';
import type { NetworkServerKind } from '../../src/messages/message.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { fuzzRuns, fuzzSeed } from '../support/fuzz.js';
import { anyRequest, changedFixture, type Sent } from '../support/fuzz-requests.js';
import type { TestBridge } from './support/bridge.js';
import { startSandbox } from './support/broker.js';
import { ingressOf, sendersGone, tooLong, tryCases, type Judge } from './support/hostile-attacks.js';
import { harmlessBodies, hostileBodies, hostileHttp, request } from './support/hostile-requests.js';
import { exchange } from './support/hostile-socket.js';
import { anonymousMb, startWatch } from './support/hostile-watch.js';
import { uplinkBody } from './support/load.js';
import { expectBalance, setScene, startIn } from './support/scenarios.js';

/** Anonymous memory that the bridge may take under all of this together, MB. */
const mostMb = 400;

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

const judging = (t: Test): Judge => (isSo, text) => t.ok(isSo, text);

void t.test('hostile input at the ingress', async (t) => {
  const scene = await setScene(t, () => startSandbox());
  const bridge = await startIn(t, scene);
  const ingress = ingressOf(bridge);
  const restMb = anonymousMb(bridge.program.pid);
  const watch = startWatch(bridge);
  await t.test('bodies that are made to hurt', (t) => tryCases(judging(t), ingress, hostileBodies));
  await t.test('names that mean something to JavaScript', (t) => tryCases(judging(t), ingress, harmlessBodies));
  await t.test('requests that break HTTP', (t) => tryCases(judging(t), ingress, hostileHttp));
  await t.test('bodies over the limit', (t) => tooLong(judging(t), ingress));
  await t.test('pipelines', (t) => pipelines(t, ingress));
  await t.test('senders that go away', (t) => sendersGone(judging(t), ingress));
  await t.test('changed and arbitrary webhooks', (t) => fuzzed(t, ingress));
  await t.test('a batch of 20,000 messages', (t) => longBatch(t, bridge));
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
