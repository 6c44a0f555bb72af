/** What webhooks of The Things Stack tell about the way back: addresses that may be believed, and API keys. */
import t from 'tap';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { trustedUrl } from '../../src/network-servers/the-things-stack/downlink-address.js';
import { readFixtures, requestOfFile } from '../support/golden.js';

const adapter = networkServerAdapters['the-things-stack'];
const host = 'eu1.cloud.thethings.network';
const base = `https://${host}/api/v3/as/applications/harbour/webhooks/aws-bridge/devices/cold-room-7/down`;
const uplink = {
  end_device_ids: { device_id: 'cold-room-7', application_ids: { application_id: 'harbour' }, dev_eui: '70B3D57ED005AB31' },
  received_at: '2026-03-04T05:06:07Z',
  uplink_message: { f_port: 1, f_cnt: 2, frm_payload: 'AQ==' },
};

const requestOf = (headers: Readonly<Record<string, string | string[]>>, document: unknown = uplink) => requestOfFile('.json', Buffer.from(JSON.stringify(document)), { headers });

const addressOf = (headers: Readonly<Record<string, string | string[]>>, downlinkHosts?: readonly string[], document: unknown = uplink) => {
  const request = requestOf(headers, document);
  const settings = downlinkHosts === undefined ? {} : { downlinkHosts };
  return adapter.parse(adapter.read(request, settings), request, settings)[0]?.address;
};

void t.test('which addresses are believed', async (t) => {
  const rows: readonly (readonly [string | undefined, readonly string[], boolean])[] = [
    [`${base}/push`, [host], true],
    [`${base}/push`, ['EU1.cloud.thethings.network'], true],
    [`${base}/push`.replace(host, `${host}:1885`), [host], true],
    [`${base}/push`.replace(host, `${host}:1885`), [`${host}:1885`], true],
    [`${base}/push`.replace(host, `${host}:1885`), [`${host}:8443`], false],
    [`${base}/push`, [], false],
    [`${base}/push`, ['cloud.thethings.network'], false],
    [`${base}/push`.replace(host, `${host}.evil.example`), [host], false],
    [`${base}/push`.replace(host, `evil.example/${host}`), [host], false],
    [`${base}/push`.replace('https:', 'http:'), [host], false],
    [`${base}/push`.replace(`https://${host}`, 'http://127.0.0.1:1885'), ['127.0.0.1'], true],
    [`${base}/push`.replace(`https://${host}`, 'http://localhost:1885'), ['localhost:1885'], true],
    [`${base}/push`.replace(`https://${host}`, 'http://127.evil.example'), ['127.evil.example'], false],
    [`${base}/push`.replace('https://', 'https://user:password@'), [host], false],
    [`${base}/push?key=1`, [host], false],
    [`${base}/push#1`, [host], false],
    [`${base}/replace`, [host], false],
    [`${base}/push/more`, [host], false],
    [`https://${host}/api/v3/users`, [host], false],
    ['not an address', [host], false],
    [undefined, [host], false],
  ];
  for (const [text, hosts, believed] of rows) t.equal(trustedUrl(text, 'push', hosts)?.href, believed ? text : undefined, `${text} ${hosts.join()}`);
});

void t.test('the address of a message: ids always, the headers only of an allowed host', async (t) => {
  const headers = { 'x-downlink-push': `${base}/push`, 'x-downlink-replace': `${base}/replace`, 'x-downlink-apikey': 'NNSXS.SECRET' };
  t.strictSame(addressOf(headers, [host]), { deviceId: 'cold-room-7', applicationId: 'harbour', push: `${base}/push`, replace: `${base}/replace` });
  const ids = { deviceId: 'cold-room-7', applicationId: 'harbour' };
  t.strictSame(addressOf(headers, ['other.example']), ids);
  t.strictSame(addressOf(headers), ids);
  t.strictSame(addressOf({ 'x-downlink-push': [`${base}/push`] }, [host]), ids);
  t.strictSame(addressOf({ 'x-downlink-push': `https://${host}/${'x'.repeat(2_000)}` }, [host]), ids);
  t.strictSame(addressOf({}, [host], { ...uplink, end_device_ids: { dev_eui: '70B3D57ED005AB31' } }), {});
});

void t.test('without allowed hosts every message tells ids and nothing else', async (t) => {
  for (const { name, request, expected } of readFixtures('the-things-stack').fixtures.filter(({ expected }) => expected.messages !== undefined)) {
    const messages = adapter.parse(adapter.read(request, {}), request, {});
    t.equal(messages.length, expected.messages?.length);
    for (const { address } of messages) t.strictSame(Object.keys(address ?? {}).filter((key) => key !== 'deviceId' && key !== 'applicationId'), [], name);
  }
});

void t.test('the API key of an application', async (t) => {
  const credentialsOf = (headers: Readonly<Record<string, string | string[]>>, document: unknown = uplink) => {
    const request = requestOf(headers, document);
    return adapter.credentials?.(adapter.read(request, {}), request);
  };
  t.strictSame(credentialsOf({ 'x-downlink-apikey': 'NNSXS.SECRET' }), { application: 'harbour', apiKey: 'NNSXS.SECRET' });
  t.equal(credentialsOf({}), undefined);
  t.equal(credentialsOf({ 'x-downlink-apikey': '' }), undefined);
  t.equal(credentialsOf({ 'x-downlink-apikey': ['a', 'b'] }), undefined);
  t.equal(credentialsOf({ 'x-downlink-apikey': 'x'.repeat(2_000) }), undefined);
  t.equal(credentialsOf({ 'x-downlink-apikey': 'NNSXS.SECRET' }, { ...uplink, end_device_ids: { dev_eui: '70B3D57ED005AB31' } }), undefined, 'a key of nobody knows which application');
});
