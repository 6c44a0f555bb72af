import { pino } from 'pino';
import t from 'tap';
import type { DeviceRecord } from '../../src/downlink/ports.js';
import { BridgeError } from '../../src/errors.js';
import { createTakeMessages, type AcceptMessages, type WebhookDownlinks } from '../../src/ingress/take-messages.js';
import type { ParsedMessage } from '../../src/network-servers/network-server.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';

const logger = pino({ level: 'silent' });
const sender = { id: 'sigfox', kind: 'sigfox' } as const;
const body = Buffer.from('{}');

const uplink = (more: Partial<ParsedMessage> = {}): ParsedMessage => ({ fields: { type: 'uplink', deviceId: '2c30eb', payload: '00' }, idempotencyKey: 'one', ...more });

type CollectRequest = Parameters<WebhookDownlinks['collect']>[0];

/** A take whose accept answers with `duplicate`, and a record of what the downlink side was asked. */
const harness = (duplicate: boolean, payload?: string) => {
  const heard: DeviceRecord[] = [];
  const requests: CollectRequest[] = [];
  const accept: AcceptMessages = (_sender, incoming) => Promise.resolve({ messages: incoming.map((_, index) => ({ id: `id-${index}`, connectionIds: ['main'], duplicate })) });
  const downlinks: WebhookDownlinks = {
    devices: { heard: (record) => void heard.push(record) },
    resolve: (_sender, incoming) => Promise.resolve({ incoming: incoming.map((one) => ({ ...one, connectionId: 'other' })), settled: () => Promise.reject(new BridgeError('store_unavailable')) }),
    collect: (request) => {
      requests.push(request);
      return Promise.resolve(payload);
    },
  };
  return { heard, requests, downlinks, take: createTakeMessages(accept, downlinks, logger) };
};

void t.test('a device is remembered by what it sent itself, once', async (t) => {
  const fresh = harness(false);
  const address = { api: 'v4' };
  const status: ParsedMessage = { fields: { type: 'status', deviceId: 'a', event: 'battery' }, idempotencyKey: 's' };
  await fresh.take(sender, networkServerAdapters.sigfox, { messages: [uplink({ address }), status, { fields: { type: 'join', deviceId: 'b' }, idempotencyKey: 'j' }], body });
  t.same(fresh.heard, [
    { deviceId: '2c30eb', networkServerId: 'sigfox', connectionIds: ['main'], address },
    { deviceId: 'b', networkServerId: 'sigfox', connectionIds: ['main'], address: {} },
  ]);
  const repeated = harness(true);
  await repeated.take(sender, networkServerAdapters.sigfox, { messages: [uplink()], body });
  t.same(repeated.heard, []);
});

void t.test('a callback that asks is answered with what waits, or with nothing', async (t) => {
  const full = harness(false, '0102030405060708');
  const asking = uplink({ downlinkRequest: { device: '2C30EB' } });
  const { answer } = await full.take(sender, networkServerAdapters.sigfox, { messages: [asking], body });
  t.equal(answer?.status, 200);
  t.equal(answer?.body, '{"2C30EB":{"downlinkData":"0102030405060708"}}');
  t.same(full.requests, [{ networkServer: sender, deviceId: '2c30eb', requestId: 'id-0', again: false }]);
  const empty = await harness(false).take(sender, networkServerAdapters.sigfox, { messages: [asking], body });
  t.equal(empty.answer?.status, 204);
  const { answer: none } = await full.take(sender, networkServerAdapters.sigfox, { messages: [uplink()], body });
  t.equal(none, undefined);
});

void t.test('a duplicate asks again only when it is fresh: its DATA callback may have come first', async (t) => {
  const again = async (duplicate: boolean, eventTimeMs?: number): Promise<boolean | undefined> => {
    const one = harness(duplicate);
    await one.take(sender, networkServerAdapters.sigfox, { messages: [uplink({ downlinkRequest: { device: '2C30EB' }, ...(eventTimeMs === undefined ? {} : { eventTimeMs }) })], body });
    return one.requests[0]?.again;
  };
  t.equal(await again(false), false);
  t.equal(await again(false, 1), false);
  t.equal(await again(true, Date.now()), false);
  t.equal(await again(true, Date.now() - 60_000), true);
  t.equal(await again(true), true);
});

void t.test('a report is matched before it is accepted; that it stays remembered fails no webhook', async (t) => {
  const accepted: (string | undefined)[] = [];
  const accept: AcceptMessages = (_sender, incoming) => {
    accepted.push(...incoming.map(({ connectionId }) => connectionId));
    return Promise.resolve({ messages: incoming.map(() => ({ id: 'x', connectionIds: [], duplicate: false })) });
  };
  const { downlinks } = harness(false);
  const take = createTakeMessages(accept, downlinks, logger);
  const report: ParsedMessage = { fields: { type: 'downlink-status', deviceId: 'a', state: 'sent' }, idempotencyKey: 'r' };
  const { receipt } = await take(sender, networkServerAdapters.sigfox, { messages: [report], body });
  t.equal(receipt.messages.length, 1);
  await take(sender, networkServerAdapters.sigfox, { messages: [uplink()], body });
  t.same(accepted, ['other', undefined]);
});
