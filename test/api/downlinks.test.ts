import t from 'tap';
import { jsonOf } from './support/call.js';
import { exampleDevice, exampleDownlink, fill, openApi } from './support/open-api.js';

interface Posted {
  readonly downlinks: readonly { readonly id?: string; readonly state: string; readonly correlationId?: string; readonly error?: { readonly reason: string; readonly field?: string } }[];
}

void t.test('a downlink in any of the three forms is stored, found again, listed with its device, and deleted', async (t) => {
  const api = await openApi(t);
  await fill(api);
  const forms = [
    { deviceId: exampleDevice.toUpperCase(), connectionId: 'main', fPort: 2, payload: '0a0b', correlationId: 'one' },
    { devEui: exampleDevice, fPort: 2, payload: 'CgsM', payloadEncoding: 'base64' },
    { DevEUI_downlink: { DevEUI: exampleDevice.toUpperCase(), FPort: '2', payload_hex: '0a0b', CorrelationID: 'two' } },
    { deviceId: exampleDevice, downlinks: [{ f_port: 2, frm_payload: 'CgsM', correlation_ids: ['three'] }] },
  ];
  for (const body of forms) {
    const answer = await api.call({ method: 'POST', path: '/downlinks', body });
    t.equal(answer.status, 202, answer.text);
    const { downlinks } = jsonOf(answer) as unknown as Posted;
    t.match(downlinks, [{ id: /^[0-9a-f]{32}$/, state: 'queued' }]);
    t.equal(answer.headers.location, `/downlinks/${downlinks[0]?.id}`);
    t.match(await api.get(String(answer.headers.location)), { id: downlinks[0]?.id, device: exampleDevice, connection: 'main', state: 'queued', steps: [{ state: 'queued', attempt: 0 }] });
  }
  const device = await api.get(`/devices/${exampleDevice.toUpperCase()}`);
  t.match(device['pendingDownlinks'], [{ connection: 'main', fPort: 2, correlationId: 'one', attempts: 0 }, {}, { correlationId: 'two' }, { correlationId: 'three' }]);
  t.match(await api.get('/audit'), { audit: Array.from({ length: 4 }, () => ({ action: 'create', kind: 'downlink', who: 'loopback' })) });

  const path = `/devices/${exampleDevice.toUpperCase()}/downlinks`;
  t.strictSame(jsonOf(await api.call({ method: 'DELETE', path })), { deleted: 4 });
  t.strictSame(jsonOf(await api.call({ method: 'DELETE', path })), { deleted: 0 });
  t.strictSame((await api.get(`/devices/${exampleDevice}`))['pendingDownlinks'], []);
  const { audit } = (await api.get('/audit')) as { audit: unknown[] };
  t.match(audit[0], { action: 'clear', kind: 'device', id: exampleDevice });
  t.equal(audit.length, 5, 'what changed nothing is in no audit');
});

void t.test('of several downlinks the good ones are stored, and each wrong one is told', async (t) => {
  const api = await openApi(t);
  await fill(api);
  const answer = await api.call({ method: 'POST', path: '/downlinks', body: { deviceId: exampleDevice, downlinks: [{ f_port: 0, frm_payload: 'AA==' }, { f_port: 2, frm_payload: 'AA==' }] } });
  t.equal(answer.status, 202);
  const { downlinks } = jsonOf(answer) as unknown as Posted;
  t.match(downlinks, [{ state: 'rejected', error: { reason: 'invalid_field', field: 'downlinks[0].f_port' } }, { state: 'queued' }]);
  t.equal(answer.headers.location, `/downlinks/${downlinks[1]?.id}`, 'the first that was stored');
});

void t.test('one that came before is told as a duplicate, and is no change', async (t) => {
  const api = await openApi(t, { bridge: { postDownlink: async () => [{ kind: 'stored', downlinkId: exampleDownlink, state: 'queued', duplicate: true }] } });
  const answer = await api.call({ method: 'POST', path: '/downlinks', body: { deviceId: exampleDevice, payload: '00' } });
  t.match(jsonOf(answer), { downlinks: [{ id: exampleDownlink, duplicate: true }] });
  t.strictSame((await api.get('/audit'))['audit'], []);
});

void t.test('the life of a downlink tells each step with its cause', async (t) => {
  const api = await openApi(t);
  await fill(api);
  t.strictSame(await api.get(`/downlinks/${exampleDownlink}`), {
    id: exampleDownlink,
    connection: 'main',
    device: exampleDevice,
    networkServer: 'factory',
    correlationId: 'valve-17',
    state: 'failed',
    steps: [
      { state: 'queued', time: '2023-11-14T22:13:20.000Z', attempt: 0 },
      { state: 'failed', time: '2023-11-14T22:13:21.000Z', attempt: 1, cause: { code: 'no_ack', text: 'no acknowledgement' } },
    ],
  });
});
