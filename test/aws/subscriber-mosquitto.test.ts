import { connectAsync, type MqttClient } from 'mqtt';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { startMosquitto, type TestBroker } from '../end-to-end/support/broker.js';
import { testDir } from '../support/test-dir.js';
import { endpointOf, startSubscriber } from './support/subscriber.js';
import { until } from '../support/until.js';

type Test = Parameters<typeof startSubscriber>[0];

const start = async (t: Test) => {
  testDir(t);
  const broker: TestBroker = await startMosquitto();
  t.teardown(() => broker.stop());
  const port = Number(broker.endpoint.split(':')[1]);
  const connectSender = async (): Promise<MqttClient> => {
    const sender = await connectAsync(`mqtts://${broker.endpoint}`, { reconnectPeriod: 0, ca: readFileSync(broker.caCertificate), cert: readFileSync(broker.certificate), key: readFileSync(broker.privateKey) });
    sender.on('error', () => undefined);
    t.teardown(() => void sender.end(true));
    return sender;
  };
  return { broker, endpoint: endpointOf(port, broker), connectSender };
};

const send = async (sender: MqttClient, topic: string, ...payloads: string[]): Promise<void> => {
  for (const payload of payloads) await sender.publishAsync(topic, payload, { qos: 1 });
};

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: away and back, a store that hangs, a filter that changed`, async (t) => {
    const { endpoint, connectSender } = await start(t);
    const sender = await connectSender();
    const first = startSubscriber(t, { endpoint, version });
    await first.is('opened');
    await first.stop();
    await send(sender, 'down/a', '1', '2', '3');

    const second = startSubscriber(t, { endpoint, version, storeTimeoutMs: 100 });
    second.store = (_incoming, text) => {
      if (text !== '2') return Promise.resolve();
      second.store = async () => undefined;
      return new Promise(() => undefined);
    };
    await second.has(3);
    t.same(second.stored, ['1', '2', '3']);
    t.same(second.received, ['down/a 1', 'down/a 2', 'down/a 2', 'down/a 3']);
    await second.is('opened');
    await second.stop();

    const third = startSubscriber(t, { endpoint, version, filter: 'other/+' });
    await third.is('opened');
    await send(sender, 'down/a', 'stray');
    await send(sender, 'other/a', 'wanted');
    await third.has(1);
    t.same(third.received, ['other/a wanted']);
  });

  void t.test(`${name}: shared, with messages that came while nobody was there`, async (t) => {
    const { endpoint, connectSender } = await start(t);
    const sender = await connectSender();
    const plain = startSubscriber(t, { endpoint, version });
    await plain.is('opened');
    await plain.stop();
    const shared = startSubscriber(t, { endpoint, version, shareName: 'bridge' });
    await shared.is('opened');
    await send(sender, 'down/a', '1', 'end');
    await until('the end', () => shared.stored.includes('end'));
    t.same(shared.stored, ['1', 'end'], 'the plain subscription is gone');
    await shared.stop();
    await send(sender, 'down/a', '2', '3');
    const again = startSubscriber(t, { endpoint, version, shareName: 'bridge' });
    await again.has(2);
    t.same(again.stored, ['2', '3']);
  });

  void t.test(`${name}: killed and started again, its sessions lost`, async (t) => {
    const { broker, endpoint, connectSender } = await start(t);
    const test = startSubscriber(t, { endpoint, version });
    await test.is('opened');
    await broker.cut();
    await test.is('unreachable', 'endpoint_unreachable');
    await broker.restore();
    await test.is('opened');
    await send(await connectSender(), 'down/a', '1');
    await test.has(1);
  });

  void t.test(`${name}: silent for a while`, async (t) => {
    const { broker, endpoint, connectSender } = await start(t);
    const test = startSubscriber(t, { endpoint, version, keepAliveMs: 1_000, connectTimeoutMs: 500 });
    await test.is('opened');
    const sender = await connectSender();
    await broker.blackhole();
    await test.is('unreachable', 'connect_timeout');
    await broker.restore();
    await test.is('opened');
    await send(sender, 'down/a', '1');
    await test.has(1);
  });
}
