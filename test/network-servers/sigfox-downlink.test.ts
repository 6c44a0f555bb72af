import t from 'tap';
import type { Downlink } from '../../src/messages/downlink.js';
import type { NetworkServerAdapter } from '../../src/network-servers/network-server.js';
import { createDownlinkClient, networkServerAdapters } from '../../src/network-servers/registry.js';
import { requestOfFile, runAdapter, type RequestParts } from '../support/golden.js';
import { downlinkOf, refusal } from './api-server.js';

const client = createDownlinkClient('sigfox', { timeoutMs: 1_000 });
const { fPort: _, ...base } = downlinkOf({ deviceId: '1a2345', networkServer: { id: 's', kind: 'sigfox' }, payload: '0102030405060708' });

void t.test('a mailbox: exactly 8 bytes, no object', async (t) => {
  t.equal(client.delivery, 'mailbox');
  t.notOk('submit' in client, 'nothing is ever called');
  t.doesNotThrow(() => client.check(base));
  const rows: readonly (readonly [Partial<Downlink>, object])[] = [
    [{ payload: '' }, { reason: 'invalid_field', field: 'payload' }],
    [{ payload: '01020304050607' }, { reason: 'invalid_field', field: 'payload' }],
    [{ payload: '010203040506070809' }, { reason: 'invalid_field', field: 'payload' }],
    [{ payload: '01020304050607zz' }, { reason: 'invalid_field', field: 'payload' }],
    [{ object: { on: true } }, { reason: 'downlink_unsupported', field: 'payload' }],
  ];
  for (const [more, expected] of rows) t.match(refusal(() => client.check({ ...base, ...more })), expected, JSON.stringify(more));
  const { payload: _, ...nothing } = base;
  t.match(refusal(() => client.check(nothing)), { reason: 'invalid_field', field: 'payload' });
  t.strictSame(client.idsOf(base), []);
  t.ok(client.reportsAfter('submitted', base) && client.reportsAfter('sent', base));
  await client.close();
});

const requestsOf = (values: Readonly<Record<string, unknown>>, parts: RequestParts = {}): readonly unknown[] => {
  const outcome = runAdapter(networkServerAdapters.sigfox, requestOfFile('.json', Buffer.from(JSON.stringify(values)), parts));
  if ('error' in outcome) throw outcome.error;
  return outcome.messages.map(({ downlinkRequest }) => downlinkRequest);
};

void t.test('which callbacks ask for a downlink', async (t) => {
  const values = { device: '1A2345', time: 1763718900, data: '01', seqNumber: 7 };
  const rows: readonly (readonly [Readonly<Record<string, unknown>>, string, boolean])[] = [
    [{ ack: true }, '', true],
    [{ ack: 'true' }, '/data/bidir', true],
    [{ ack: 'true' }, '/data', true],
    [{}, '/bidir', true],
    [{ ack: '{ack}' }, '/data/bidir', true],
    [{ ack: false }, '/data/bidir', false],
    [{ ack: 'false' }, '', false],
    [{ longPolling: true }, '', false],
    [{}, '/data', false],
    [{}, '', false],
    [{ infoCode: 0 }, '/service/acknowledge', false],
  ];
  for (const [more, path, asks] of rows) t.strictSame(requestsOf({ ...values, ...more }, { path }), [asks ? { device: '1A2345' } : undefined], `${JSON.stringify(more)} ${path}`);
  t.strictSame(requestsOf({ ...values, device: '00AB', ack: 1 }), [{ device: '00AB' }], 'the device as the callback wrote it');
});

void t.test('in a batch each line asks for itself', async (t) => {
  const batch = '1A2345;1763718900;01;7;true\n00ab12;1763718901;02;8;false\n0C;1763718902;03;9;true';
  const request = requestOfFile('.form', Buffer.from(`batch=${encodeURIComponent(batch)}`));
  const outcome = runAdapter(networkServerAdapters.sigfox, request, { batchPattern: '{device};{time};{data};{seqNumber};{ack}' });
  t.strictSame('messages' in outcome && outcome.messages.map(({ downlinkRequest }) => downlinkRequest?.device), ['1A2345', undefined, '0C']);
});

void t.test('the answer', async (t) => {
  type Answers = Parameters<NonNullable<NetworkServerAdapter['answer']>>[0];
  const rows: readonly (readonly [Answers, unknown])[] = [
    [[], undefined],
    [[{ device: '1A2345' }], undefined],
    [[{ device: '1A2345', payload: '0102030405060708' }], { '1A2345': { downlinkData: '0102030405060708' } }],
    [[{ device: '1A', payload: '00' }, { device: '2B' }, { device: '3C', payload: '11' }], { '1A': { downlinkData: '00' }, '2B': { noData: true }, '3C': { downlinkData: '11' } }],
    [[{ device: '1A' }, { device: '1A', payload: '00' }, { device: '1A' }], { '1A': { downlinkData: '00' } }],
  ];
  for (const [answers, expected] of rows) {
    const given = networkServerAdapters.sigfox.answer?.(answers);
    if (expected === undefined) t.strictSame(given, { status: 204 });
    else t.strictSame({ ...given, body: JSON.parse(given?.body ?? '') as unknown }, { status: 200, contentType: 'application/json', body: expected });
  }
});
