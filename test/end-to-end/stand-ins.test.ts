/** The network servers that the tests stand in for: they refuse what the real ones refuse. */
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { apiSecrets, type DownlinkApi } from './support/downlink-api.js';
import { busiestSecond, judgeDownlinks, sustainedRate } from './support/downlinks.js';
import { startNetworkServer, type Arrival, type NetworkServer } from './support/network-server.js';

const { asId, asKey, apiToken, applicationId, webhookId } = apiSecrets;
const devEui = '70b3d5e75f000a01';

interface Call {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const signed = (parameters: string, key: string = asKey): Call => {
  const query = `${parameters}&AS_ID=${asId}&Time=${new Date().toISOString()}`;
  const token = createHash('sha256').update(query + key).digest('hex');
  return { path: `/thingpark/lrc/rest/downlink?${encodeURI(query)}&Token=${token}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
};

const pushTo = (action: string, body: unknown, key: string = apiToken): Call => ({
  path: `/api/v3/as/applications/${applicationId}/webhooks/${webhookId}/devices/eui-${devEui}/down/${action}`,
  headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
  body: JSON.stringify(body),
});

const enqueue = (body: unknown, key: string = apiToken): Call => ({ path: `/api/devices/${devEui}/queue`, headers: { 'content-type': 'application/json', 'grpc-metadata-authorization': `Bearer ${key}` }, body: JSON.stringify(body) });

const send = async (server: NetworkServer, { path, headers, body }: Call): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  return { status: response.status, text: await response.text() };
};

const start = async (t: Test, api: DownlinkApi): Promise<NetworkServer> => {
  const server = await startNetworkServer(api);
  t.teardown(() => server.stop());
  return server;
};

interface Row {
  readonly api: DownlinkApi;
  readonly good: Call;
  readonly answer: RegExp;
  readonly arrival: Partial<Arrival>;
  readonly bad: readonly (readonly [status: number, call: Call])[];
}

const rows: readonly Row[] = [
  {
    api: 'thingpark',
    good: signed(`DevEUI=${devEui.toUpperCase()}&FPort=5&Payload=0A0b&Confirmed=1&FlushDownlinkQueue=1&CorrelationID=5C01D200AABB0017`),
    answer: /Request queued by LRC/,
    arrival: { devEui, fPort: 5, payload: '0a0b', confirmed: true, flush: true, correlationIds: ['5C01D200AABB0017'] },
    bad: [[403, signed(`DevEUI=${devEui}&FPort=5&Payload=0a`, 'another key')], [400, signed(`DevEUI=${devEui}&FPort=0&Payload=0a`)], [400, signed(`DevEUI=${devEui}&FPort=5&Payload=0g`)], [400, signed(`DevEUI=${devEui}&FPort=5&Payload=0a&Color=red`)]],
  },
  {
    api: 'the-things-stack',
    good: pushTo('replace', { downlinks: [{ f_port: 5, frm_payload: 'Cgs=', confirmed: true, correlation_ids: ['one'] }] }),
    answer: /^$/,
    arrival: { devEui, fPort: 5, payload: '0a0b', confirmed: true, flush: true, correlationIds: ['one'] },
    bad: [[401, pushTo('push', { downlinks: [] }, 'another key')], [404, pushTo('shove', { downlinks: [] })], [400, pushTo('push', { downlinks: [{ f_port: 5, frm_payload: '0a0b=' }] })], [400, pushTo('push', { downlinks: [{ fPort: 5, frm_payload: 'Cgs=' }] })]],
  },
  {
    api: 'chirpstack',
    good: enqueue({ queueItem: { confirmed: true, fPort: 5, data: 'Cgs=' }, flushQueue: true }),
    answer: /^\{"id":"[0-9a-f-]{36}"\}$/,
    arrival: { devEui, fPort: 5, payload: '0a0b', confirmed: true, flush: true, correlationIds: [] },
    bad: [[401, enqueue({ queueItem: { fPort: 5, data: 'Cgs=' } }, 'another key')], [400, enqueue({ deviceQueueItem: { fPort: 5, data: 'Cgs=' } })], [400, enqueue({ queueItem: { fPort: 5 } })]],
  },
  {
    api: 'chirpstack-v3',
    good: enqueue({ deviceQueueItem: { confirmed: false, fPort: 5, data: 'Cgs=' } }),
    answer: /^\{"fCnt":1\}$/,
    arrival: { devEui, fPort: 5, payload: '0a0b', confirmed: false, flush: false, fCnt: 1 },
    bad: [[401, enqueue({ deviceQueueItem: { fPort: 5, data: 'Cgs=' } }, 'another key')], [400, enqueue({ queueItem: { fPort: 5, data: 'Cgs=' } })]],
  },
];

for (const { api, good, answer, arrival, bad } of rows) {
  void t.test(`${api} takes what its API allows and refuses the rest`, async (t) => {
    const server = await start(t, api);
    const taken = await send(server, good);
    t.equal(taken.status, 200);
    t.match(taken.text, answer);
    t.match(server.taken(), [arrival]);
    t.strictSame(server.violations, []);
    for (const [status, call] of bad) t.equal((await send(server, call)).status, status, `${call.path} ${call.body ?? ''}`);
    t.equal(server.violations.length, bad.length, 'each breach is noted');
    t.equal(server.taken().length, 1);
    server.behave({ do: 'refuse', status: 503 });
    t.equal((await send(server, good)).status, 503);
    server.behave({ do: 'close' });
    await t.rejects(send(server, good), 'no answer');
    server.behave({ do: 'take-late', afterMs: 1 });
    t.equal((await send(server, good)).status, 200);
    t.strictSame(server.arrivals.map(({ status }) => status), [200, 503, 0, 200]);
    t.strictSame(server.arrivals.map(({ at, answeredAt }) => answeredAt !== undefined && answeredAt >= at), [true, true, false, true]);
    server.behave({ do: 'refuse', status: 200, text: 'not known here' });
    t.match(await send(server, good), { status: 200, text: /not known here/ });
    t.equal(server.taken().length, 2, 'a 200 that says no is not taken');
  });
}

void t.test('the judges see what is wrong', async (t) => {
  t.equal(busiestSecond([0, 999, 1_000, 1_500, 1_998.5]), 4);
  t.equal(busiestSecond([0, 1_000, 2_000]), 1);
  t.equal(sustainedRate([0, 10, 20, 30]), 100);
  const arrival = (number: number): Arrival => ({ at: 0, status: 200, id: '', fCnt: 0, devEui, fPort: 1, payload: number.toString(16).padStart(8, '0'), confirmed: false, flush: false, correlationIds: [] });
  const sent = new Map([[devEui, [0, 1, 2, 3]]]);
  t.strictSame(judgeDownlinks(sent, [0, 1, 2, 3].map(arrival)), { sent: 4, lost: 0, outOfOrder: 0, again: 0 });
  t.strictSame(judgeDownlinks(sent, [0, 2, 1, 1].map(arrival)), { sent: 4, lost: 1, outOfOrder: 1, again: 1 });
});
