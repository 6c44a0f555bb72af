import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import t from 'tap';
import { apiKey, type HttpCall } from './support/bridge.js';
import { startSandbox, type TestBroker } from './support/broker.js';
import { devEuiOf, postUplink, uplinkBody } from './support/load.js';
import { startBridgeProgram } from './support/program.js';
import { expectBalance, setScene, startIn } from './support/scenarios.js';

const sandbox = (): Promise<TestBroker> => startSandbox();
const json = { 'content-type': 'application/json' };
const devEui = devEuiOf(1);

void t.test('a data directory in use is refused, and free again after the end', async (t) => {
  const scene = await setScene(t, sandbox);
  const first = await startIn(t, scene);
  const second = startBridgeProgram(['start', '--config', scene.home.file]);
  t.equal(await second.ended, 1);
  t.match(second.lines.find((line) => line['reason'] === 'data_dir_in_use'), { msg: 'start failed' });
  await first.kill();
  const third = await startIn(t, scene);
  t.equal(await third.stop(), 0);
});

void t.test('wrong configuration is refused at start, every problem at once', async (t) => {
  const scene = await setScene(t, sandbox);
  const text = await readFile(scene.home.file, 'utf8');
  await writeFile(scene.home.file, text.replace('port: 0', 'port: 70000').replace('connectorId: aws-iot', 'connectorId: aws-iot\n    nmae: x'));
  const program = startBridgeProgram(['start', '--config', scene.home.file]);
  t.equal(await program.ended, 1);
  t.match(program.stderr(), /ingress\.port: /);
  t.match(program.stderr(), /connections\[0\]\.nmae: /);
});

interface Row {
  readonly name: string;
  readonly path: string;
  readonly call: HttpCall;
  readonly expect: { readonly status: number; readonly reason?: string; readonly field?: string };
}

const factory = '/in/factory?event=up';
const key = { 'x-api-key': apiKey };
const rows: readonly Row[] = [
  { name: 'an uplink', path: factory, call: { method: 'POST', headers: { ...json, ...key }, body: uplinkBody(devEui, 1) }, expect: { status: 204 } },
  { name: 'the same again', path: factory, call: { method: 'POST', headers: { ...json, ...key }, body: uplinkBody(devEui, 1) }, expect: { status: 204 } },
  { name: 'no JSON', path: factory, call: { method: 'POST', headers: { ...json, ...key }, body: '{"deviceInfo":' }, expect: { status: 400, reason: 'malformed_body' } },
  { name: 'a wrong DevEUI', path: factory, call: { method: 'POST', headers: { ...json, ...key }, body: '{"deviceInfo":{"devEui":"12"},"time":"2026-11-21T10:00:00Z"}' }, expect: { status: 400, reason: 'invalid_field', field: 'deviceInfo.devEui' } },
  { name: 'an unknown event', path: '/in/factory?event=party', call: { method: 'POST', headers: { ...json, ...key }, body: uplinkBody(devEui, 1) }, expect: { status: 400, reason: 'unsupported_document' } },
  { name: 'no key', path: factory, call: { method: 'POST', headers: json, body: uplinkBody(devEui, 2) }, expect: { status: 401, reason: 'unauthenticated' } },
  { name: 'a wrong key', path: factory, call: { method: 'POST', headers: { ...json, 'x-api-key': 'test-kez' }, body: uplinkBody(devEui, 2) }, expect: { status: 401, reason: 'unauthenticated' } },
  { name: 'an unknown network server', path: '/in/nobody', call: { method: 'POST', headers: json, body: '{}' }, expect: { status: 404, reason: 'unknown_route' } },
  { name: 'another path', path: '/metrics', call: {}, expect: { status: 404, reason: 'unknown_route' } },
  { name: 'a wrong method', path: '/in/factory', call: { method: 'DELETE', headers: key }, expect: { status: 405, reason: 'method_not_allowed' } },
  { name: 'too large a body', path: factory, call: { method: 'POST', headers: { ...json, ...key }, body: Buffer.alloc(1_048_577, 0x20) }, expect: { status: 413, reason: 'body_too_large' } },
  { name: 'a wrong media type', path: factory, call: { method: 'POST', headers: { ...key, 'content-type': 'application/octet-stream' }, body: 'x' }, expect: { status: 415, reason: 'unsupported_media_type' } },
];

void t.test('the table of answers', async (t) => {
  const scene = await setScene(t, sandbox);
  const bridge = await startIn(t, scene);
  for (const { name, path, call, expect } of rows) {
    const answer = await bridge.call(path, call);
    t.equal(answer.status, expect.status, name);
    if (expect.reason === undefined) continue;
    t.match(answer.headers['content-type'], /^application\/problem\+json/, `${name}: problem+json`);
    t.match(JSON.parse(answer.body), { status: expect.status, reason: expect.reason, ...(expect.field === undefined ? {} : { field: expect.field }) }, name);
  }
  t.equal(await bridge.metric('lpwan_bridge_messages_duplicate_total{network_server="factory"}'), 1);
  t.equal(await bridge.metric('lpwan_bridge_messages_rejected_total{network_server="factory",reason="unauthenticated"}'), 2);
  await scene.broker.received.until('the one uplink', (all) => all.length === 1);
  await expectBalance(t, bridge);
  t.equal(await bridge.stop(), 0);
});

void t.test('messages that can never be published are accepted and parked with their reason', async (t) => {
  const scene = await setScene(t, sandbox, { uplinkTopicPattern: 'sites/{$.device.tags.site}/{DevEUI}/uplink' });
  const bridge = await startIn(t, scene);
  const noSite = uplinkBody(devEui, 1).replace('"tags":{"site":"north"}', '"tags":{}');
  const large = uplinkBody(devEui, 2).replace('"Load"', `"${'x'.repeat(10)}"`).replace('"tags":{"site":"north"}', `"tags":{"site":"north","note":"${'y'.repeat(140_000)}"}`);
  const slash = uplinkBody(devEui, 3).replace('"site":"north"', '"site":"a/b+#"');
  for (const body of [noSite, large, slash]) t.equal((await bridge.call(factory, { method: 'POST', headers: { ...json, ...key }, body })).status, 204);
  await scene.broker.received.until('the one that can be published', (all) => all.length === 1);
  t.equal(scene.broker.received.all[0]?.topic, `sites/a%2Fb%2B%23/${devEui.toUpperCase()}/uplink`, 'what would break a topic is escaped');
  t.equal(await bridge.metric('lpwan_bridge_outbox_parked_total{connection="main",reason="topic_unresolved"}'), 1);
  t.equal(await bridge.metric('lpwan_bridge_outbox_parked_total{connection="main",reason="payload_too_large"}'), 1);
  await expectBalance(t, bridge);
  t.equal(await bridge.stop(), 0);
});

void t.test('a webhook under way at SIGTERM is answered before the end', async (t) => {
  const scene = await setScene(t, sandbox);
  const bridge = await startIn(t, scene);
  const address = new URL(String((await bridge.program.waitFor('ready', (line) => line['msg'] === 'ready'))['ingress']));
  const body = uplinkBody(devEui, 1);
  const call = request({ host: address.hostname, port: address.port, path: factory, method: 'POST', headers: { ...json, ...key, 'content-length': Buffer.byteLength(body) } });
  const status = new Promise<number | undefined>((resolve, reject) => call.once('response', (response) => resolve(response.resume().statusCode)).once('error', reject));
  await new Promise<void>((resolve) => call.write(body.slice(0, 20), () => resolve()));
  const { status: live } = await bridge.private('/live');
  t.equal(live, 200);
  const ended = bridge.stop();
  await bridge.program.waitFor('stopping', (line) => line['msg'] === 'stopping');
  call.end(body.slice(20));
  t.equal(await status, 204);
  t.equal(await ended, 0);
  const again = await startIn(t, scene);
  await scene.broker.received.until('the message', (all) => all.length === 1);
  t.equal(await postUplink(again, devEui, 2), 204);
  t.equal(await again.stop(), 0);
});
