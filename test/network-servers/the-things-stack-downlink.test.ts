import t, { type Test } from 'tap';
import type { DeviceAddress, Downlink } from '../../src/messages/downlink.js';
import type { DownlinkClient, DownlinkSettings } from '../../src/network-servers/downlink-client.js';
import { createDownlinkClient } from '../../src/network-servers/registry.js';
import { closedPort, downlinkOf, refusal, startApi, type ApiServer, type Reply } from './api-server.js';

const key = 'NNSXS.FAKEFAKEFAKE.FAKEFAKEFAKEFAKE';
const address: DeviceAddress = { deviceId: 'cold-room-7', applicationId: 'harbour' };
const pathOf = (operation: string, application = 'harbour'): string => `/as/applications/${application}/webhooks/aws-bridge/devices/cold-room-7/down/${operation}`;

const clientOf = (t: Test, settings: Partial<DownlinkSettings>): DownlinkClient => {
  const client = createDownlinkClient('the-things-stack', { timeoutMs: 5_000, ...settings });
  t.teardown(() => client.close());
  return client;
};

const configured = (api: Pick<ApiServer, 'url'>): Partial<DownlinkSettings> => ({ url: api.url, apiToken: key, webhookId: 'aws-bridge' });

const ok = (): Reply => ({ status: 200, body: '{}' });

const learnedFrom = (api: ApiServer): DeviceAddress => ({ ...address, push: `${api.url}/api/v3${pathOf('push')}`, replace: `${api.url}/api/v3${pathOf('replace')}` });

void t.test('push to the configured cluster', async (t) => {
  const api = await startApi(t, ok);
  t.strictSame(await clientOf(t, configured(api)).submit?.(downlinkOf(), address), { kind: 'accepted', ids: [] });
  t.match(api.requests, [{ method: 'POST', url: `/api/v3${pathOf('push')}`, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'user-agent': 'lpwan-aws-bridge' } }]);
  t.strictSame(JSON.parse(api.requests[0]?.body ?? ''), {
    downlinks: [{ f_port: 5, frm_payload: 'Cgs=', confirmed: false, correlation_ids: ['lpwan-bridge:9f2c4e11aa00bb77c0ffee0123456789'] }],
  });
});

void t.test('replace, an object, and what the caller said in words of The Things Stack', async (t) => {
  const api = await startApi(t, ok);
  const class_b_c = { gateways: [{ gateway_ids: { gateway_id: 'roof' } }], absolute_time: '2026-03-04T06:00:00Z' };
  const options = { priority: 'HIGH', correlation_ids: ['order-1', 'lpwan-bridge:9f2c4e11aa00bb77c0ffee0123456789'], class_b_c, confirmed_retry: { max_attempts: 3 }, FCntDn: 7 };
  const client = clientOf(t, { ...configured(api), url: `${api.url}/api/v3/` });
  await client.submit?.(downlinkOf({ object: { led: 'on' }, confirmed: true, flush: true, options }), address);
  t.equal(api.requests[0]?.url, `/api/v3${pathOf('replace')}`);
  t.strictSame(JSON.parse(api.requests[0]?.body ?? ''), {
    downlinks: [
      {
        f_port: 5, decoded_payload: { led: 'on' }, confirmed: true, correlation_ids: ['lpwan-bridge:9f2c4e11aa00bb77c0ffee0123456789', 'order-1'],
        priority: 'HIGH', class_b_c, confirmed_retry: { max_attempts: 3 },
      },
    ],
  });
});

void t.test('which device and application the address names', async (t) => {
  const api = await startApi(t, ok);
  const client = clientOf(t, { ...configured(api), applicationId: 'fallback' });
  await client.submit?.(downlinkOf(), { deviceId: 'cold-room-7' });
  await client.submit?.(downlinkOf({ deviceId: 'cold-room-7' }), {});
  await client.submit?.(downlinkOf(), { deviceId: 'a/../b', applicationId: 'harbour' });
  t.strictSame(api.requests.map(({ url }) => url), [
    `/api/v3${pathOf('push', 'fallback')}`, `/api/v3${pathOf('push', 'fallback')}`, '/api/v3/as/applications/harbour/webhooks/aws-bridge/devices/a%2F..%2Fb/down/push',
  ]);
  t.match(await client.submit?.(downlinkOf(), {}), { kind: 'never', reason: 'downlink_unsupported', cause: { text: /device_id/ } });
  const bare = clientOf(t, configured(api));
  t.match(await bare.submit?.(downlinkOf(), { deviceId: 'x' }), { kind: 'never', reason: 'downlink_unsupported', cause: { text: /application/ } });
  t.match(await clientOf(t, { url: api.url, apiToken: key }).submit?.(downlinkOf(), address), { kind: 'never', reason: 'downlink_unsupported', cause: { text: /webhookId/ } });
  t.equal(api.requests.length, 3);
});

void t.test('address and key from the webhooks', async (t) => {
  const api = await startApi(t, ok);
  const client = clientOf(t, { allowedHosts: ['127.0.0.1'] });
  const unknown = await client.submit?.(downlinkOf(), learnedFrom(api));
  t.match(unknown, { kind: 'later', reason: 'network_server_unauthorised', scope: 'downlink', counts: false, cause: { code: 'network_server_unauthorised', text: /application harbour/ } });
  client.learn?.({ application: 'orchard', apiKey: 'of another application' });
  t.match(await client.submit?.(downlinkOf(), learnedFrom(api)), unknown ?? {});
  t.equal(api.requests.length, 0);
  client.learn?.({ application: 'harbour', apiKey: 'old' });
  client.learn?.({ application: 'harbour', apiKey: key });
  t.match(await client.submit?.(downlinkOf(), learnedFrom(api)), { kind: 'accepted' });
  t.match(await client.submit?.(downlinkOf({ flush: true }), learnedFrom(api)), { kind: 'accepted' });
  t.match(api.requests, [
    { url: `/api/v3${pathOf('push')}`, headers: { authorization: `Bearer ${key}` } },
    { url: `/api/v3${pathOf('replace')}`, headers: { authorization: `Bearer ${key}` } },
  ]);
});

void t.test('a configured key is not replaced by a learned one', async (t) => {
  const api = await startApi(t, ok);
  const client = clientOf(t, { apiToken: key, allowedHosts: [`127.0.0.1:${api.port}`] });
  client.learn?.({ application: 'harbour', apiKey: 'other' });
  await client.submit?.(downlinkOf(), learnedFrom(api));
  t.equal(api.requests[0]?.headers.authorization, `Bearer ${key}`);
});

void t.test('a stored address is believed only as long as its host is allowed', async (t) => {
  const api = await startApi(t, ok);
  const client = clientOf(t, { allowedHosts: ['eu1.cloud.thethings.network', `127.0.0.1:${await closedPort()}`], apiToken: key });
  t.match(await client.submit?.(downlinkOf(), learnedFrom(api)), { kind: 'never', reason: 'downlink_unsupported', cause: { text: /X-Downlink-Push/ } });
  t.match(await client.submit?.(downlinkOf(), {}), { kind: 'never', reason: 'downlink_unsupported' });
  t.equal(api.requests.length, 0);
});

void t.test('every other answer', async (t) => {
  const error = (code: number, name: string) => JSON.stringify({ code, message: `error:pkg/x:${name} (words)`, details: [{ '@type': 'type.googleapis.com/ttn.lorawan.v3.ErrorDetails', namespace: 'pkg/x', name }] });
  const rows: readonly (readonly [Reply, object])[] = [
    [{ status: 401, body: error(16, 'token_not_found') }, { kind: 'later', reason: 'network_server_unauthorised', scope: 'network-server', counts: false, cause: { code: 'token_not_found' } }],
    [{ status: 403, body: error(7, 'no_application_rights') }, { kind: 'later', reason: 'network_server_unauthorised', scope: 'network-server', counts: false }],
    [{ status: 404, body: error(5, 'device_not_found') }, { kind: 'never', reason: 'network_server_refused', cause: { code: 'device_not_found', text: 'error:pkg/x:device_not_found (words)' } }],
    [{ status: 406, body: 'paused' }, { kind: 'later', reason: 'network_server_busy', counts: false, cause: { code: '406', text: 'the webhook is paused' } }],
    [{ status: 429, body: error(8, 'rate_limit_exceeded'), headers: { 'x-rate-limit-retry': '4' } }, { kind: 'later', reason: 'network_server_busy', counts: true, retryAfterMs: 5_000 }],
    [{ status: 502, body: '<html>Bad gateway</html>' }, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', cause: { code: '502', text: 'Bad gateway' } }],
    ['reset', { kind: 'unknown', reason: 'network_server_timeout' }],
  ];
  for (const [reply, expected] of rows) {
    const api = await startApi(t, () => reply);
    t.match(await clientOf(t, configured(api)).submit?.(downlinkOf(), address), expected, JSON.stringify(reply));
  }
});

void t.test('a learned key that is refused stops its own application only, and is never told', async (t) => {
  const api = await startApi(t, ({ headers }) => ({ status: 403, body: JSON.stringify({ code: 7, message: `no rights for ${headers.authorization}` }) }));
  const client = clientOf(t, { allowedHosts: ['127.0.0.1'] });
  client.learn?.({ application: 'harbour', apiKey: key });
  const outcome = await client.submit?.(downlinkOf(), learnedFrom(api));
  t.match(outcome, { kind: 'later', reason: 'network_server_unauthorised', scope: 'downlink', counts: false });
  t.notMatch(JSON.stringify(outcome), /NNSXS/);
});

void t.test('what The Things Stack can never take', async (t) => {
  const client = clientOf(t, { allowedHosts: ['eu1.example.com'] });
  const rows: readonly (readonly [Partial<Downlink>, object])[] = [
    [{ fPort: 224 }, { reason: 'invalid_field', field: 'fPort' }],
    [{ payload: '00'.repeat(243) }, { reason: 'invalid_field', field: 'payload' }],
    [{ options: { priority: 'URGENT' } }, { reason: 'invalid_field', field: 'priority' }],
    [{ options: { correlation_ids: 'one' } }, { reason: 'invalid_field', field: 'correlation_ids' }],
    [{ options: { correlation_ids: ['x'.repeat(101)] } }, { reason: 'invalid_field', field: 'correlation_ids' }],
    [{ options: { class_b_c: [] } }, { reason: 'invalid_field', field: 'class_b_c' }],
    [{ options: { confirmed_retry: { max_attempts: 101 } } }, { reason: 'invalid_field', field: 'confirmed_retry.max_attempts' }],
  ];
  for (const [more, expected] of rows) t.match(refusal(() => client.check(downlinkOf(more))), expected, JSON.stringify(more).slice(0, 60));
  for (const more of [{}, { object: {} }, { deviceId: 'cold-room-7' }, { payload: '' }]) t.doesNotThrow(() => client.check(downlinkOf(more)));
  for (const settings of [{}, { allowedHosts: [] }, { apiToken: key }]) t.match(refusal(() => clientOf(t, settings).check(downlinkOf())), { reason: 'downlink_unsupported', field: undefined });
  t.match(refusal(() => clientOf(t, { url: 'eu1.example.com' })), { reason: 'config_invalid' });
});

void t.test('what events will say, and until when', async (t) => {
  const client = clientOf(t, {});
  t.equal(client.delivery, 'submit');
  t.strictSame(client.idsOf(downlinkOf()), ['lpwan-bridge:9f2c4e11aa00bb77c0ffee0123456789']);
  const confirmed = downlinkOf({ confirmed: true });
  t.strictSame((['submitted', 'sent'] as const).flatMap((state) => [client.reportsAfter(state, confirmed), client.reportsAfter(state, downlinkOf())]), [true, true, true, false]);
});
