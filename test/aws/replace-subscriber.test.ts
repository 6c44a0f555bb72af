import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { Endpoint } from '../../src/aws/endpoint.js';
import { startSandbox } from '../sandbox/support/harness.js';
import { until } from '../support/until.js';
import { endpointOf, startSubscriber } from './support/subscriber.js';

type Test = Parameters<typeof startSandbox>[0];

const allowAll = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] };
const limits = { storedPerSecond: 0, publishesPerSecond: 0 };

const start = async (t: Test) => {
  const { sandbox, address } = await startSandbox(t, { limits });
  const endpoint = endpointOf(address.port, address);
  const second = await sandbox.createCertificate('second', { policies: [allowAll] });
  const renewed: Endpoint = { ...endpoint, auth: { kind: 'certificate', certificate: second.certificate, privateKey: second.privateKey } };
  const send = (topic: string, ...payloads: string[]): void => {
    for (const payload of payloads) sandbox.publish({ topic, payload });
  };
  return { sandbox, endpoint, renewed, second, send };
};

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: a replaced certificate takes the persistent session over; every downlink is stored, in order`, async (t) => {
    const { sandbox, endpoint, renewed, send } = await start(t);
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    send('down/a', ...Array.from({ length: 50 }, (_, number) => String(number)));
    const changed = test.subscriber.replace({ ...test.options, endpoint: renewed });
    send('down/a', ...Array.from({ length: 50 }, (_, number) => String(50 + number)));
    await changed;
    await until('all', () => new Set(test.stored).size === 100);
    await test.is('opened');
    t.same([...new Set(test.stored)], Array.from({ length: 100 }, (_, number) => String(number)));
    t.match(test.subscriber.status(), { state: 'opened', connects: 2 });
    t.equal(sandbox.stats().sessionsOpened, 2, 'the old one did not fight back');
    t.notOk(test.log.some(({ reason }) => reason === 'client_id_taken_over'), 'nor complain');
  });

  void t.test(`${name}: a new filter is subscribed and the old one unsubscribed; what waited is not lost`, async (t) => {
    const { sandbox, endpoint, send } = await start(t);
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    await test.subscriber.replace({ ...test.options, filter: 'new/+' });
    await until('subscribed', async () => (await readFile(test.stateFile, 'utf8')).includes('new/+') && test.subscriber.status().connects === 2);
    send('down/a', 'stray');
    send('new/a', 'wanted');
    await test.has(1);
    t.same(test.received, ['new/a wanted']);
    t.same(JSON.parse(await readFile(test.stateFile, 'utf8')), { clientId: 'bridge-0-c1-downlinks', filters: ['new/+'] });
    t.equal(sandbox.stats().sessionsOpened, 2);
  });

  void t.test(`${name}: credentials that are refused: the old session goes on with what came meanwhile, the status says why, and they take over once they are let in`, async (t) => {
    const { sandbox, endpoint, renewed, second, send } = await start(t);
    sandbox.setPolicy({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 'iot:*', Resource: '*' }] }, second.certificateId);
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    await test.subscriber.replace({ ...test.options, endpoint: renewed });
    t.match(test.subscriber.status(), { state: 'opened', connects: 1, lastError: { reason: 'certificate_refused' } });
    send('down/a', '1', '2', '3');
    await test.has(3);
    t.same(test.stored, ['1', '2', '3']);
    sandbox.setPolicy(allowAll, second.certificateId);
    await until('taken over', () => test.subscriber.status().connects === 2);
    send('down/a', '4');
    await test.has(4);
    t.same(test.stored, ['1', '2', '3', '4']);
  });
}

void t.test('a message that is being stored is acknowledged before its session is taken over, and does not come again', async (t) => {
  const { endpoint, renewed, send } = await start(t);
  const test = startSubscriber(t, { endpoint });
  await test.is('opened');
  let finish: () => void = () => undefined;
  const storing = new Promise<void>((resolve) => (finish = resolve));
  test.store = () => storing;
  send('down/a', '1', '2');
  await until('at work', () => test.received.length === 1);
  const changed = test.subscriber.replace({ ...test.options, endpoint: renewed });
  send('down/b', '3');
  finish();
  await changed;
  await until('all', () => new Set(test.stored).size === 3);
  t.equal(test.received.filter((line) => line === 'down/a 1').length, 1);
});

void t.test('a filter that the policy does not allow: the state says so, and the change back heals it', async (t) => {
  const { sandbox, endpoint, send } = await start(t);
  sandbox.setPolicy({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['iot:Connect', 'iot:Receive'], Resource: '*' }, { Effect: 'Allow', Action: 'iot:Subscribe', Resource: 'arn:aws:iot:r:a:topicfilter/down/*' }] });
  const test = startSubscriber(t, { endpoint });
  await test.is('opened');
  await test.subscriber.replace({ ...test.options, filter: 'secret/+' });
  await test.is('unreachable', 'subscribe_refused');
  await test.subscriber.replace(test.options);
  await test.is('opened');
  send('down/a', '1');
  await test.has(1);
});

void t.test('another address: the old session is left, the new one opened', async (t) => {
  const { endpoint, send } = await start(t);
  const other = await startSandbox(t, { limits });
  const test = startSubscriber(t, { endpoint });
  await test.is('opened');
  await test.subscriber.replace({ ...test.options, endpoint: endpointOf(other.address.port, other.address) });
  await test.is('opened');
  other.sandbox.publish({ topic: 'down/a', payload: 'there' });
  send('down/a', 'here');
  await test.has(1);
  t.same(test.stored, ['there']);
});

void t.test('CALM gives up after a day and a half; a change starts it again', async (t) => {
  const { sandbox, endpoint } = await start(t);
  await sandbox.cut();
  let now = 0;
  const test = startSubscriber(t, { endpoint, reconnectStrategy: 'CALM' }, { now: () => now });
  await test.is('unreachable', 'endpoint_unreachable');
  now = 37 * 3_600_000;
  await test.is('closed', 'endpoint_unreachable');
  await sandbox.restore();
  await test.subscriber.replace(test.options);
  await test.is('opened');
});

void t.test('its state: authenticating on the way, a refusal named as such, every change told', async (t) => {
  const { sandbox, endpoint } = await start(t);
  sandbox.setCertificateStatus('INACTIVE');
  const states: string[] = [];
  const test = startSubscriber(t, { endpoint }, { onStatus: ({ state }) => states.push(state) });
  await test.is('authentication_failed', 'certificate_refused');
  sandbox.setCertificateStatus('ACTIVE');
  await test.is('opened');
  t.same(states, ['opening', 'authenticating', 'authentication_failed', 'opened']);
});
