import type { Packet } from 'mqtt-packet';
import { mostAtOnce } from '../../src/aws/subscriber-client.js';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startRawBroker, type RawConnection } from './support/raw-broker.js';
import { startSubscriber } from './support/subscriber.js';
import { until } from '../support/until.js';

const connack = (sessionPresent = false): Packet => ({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent });
const publish = (messageId: number, topic = 'down/a'): Packet => ({ cmd: 'publish', topic, payload: Buffer.from(String(messageId)), qos: 1, dup: false, retain: false, messageId });

/** Answers as a broker that grants everything. */
const obey = (packet: Packet, connection: RawConnection, sessionPresent = false): void => {
  if (packet.cmd === 'connect') connection.send(connack(sessionPresent));
  else if (packet.cmd === 'subscribe') connection.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => 1) });
  else if (packet.cmd === 'unsubscribe') connection.send({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: packet.unsubscriptions.map(() => 0) });
  else if (packet.cmd === 'disconnect') connection.socket.end();
};

void t.test('CONNECT asks for a session that is kept, SUBSCRIBE for QoS 1, DISCONNECT leaves the session', async (t) => {
  const broker = await startRawBroker(t, obey);
  const test = startSubscriber(t, { endpoint: broker.endpoint, shareName: 'bridge' });
  await test.is('opened');
  await test.stop();
  t.match(broker.packets, [
    { cmd: 'connect', clientId: 'bridge-0-c1-downlinks', protocolVersion: 5, clean: false, keepalive: 60, properties: { sessionExpiryInterval: 604_800 } },
    { cmd: 'subscribe', subscriptions: [{ topic: '$share/bridge/down/+', qos: 1, rh: 2 }] },
    { cmd: 'disconnect', reasonCode: 0 },
  ]);
  t.equal(broker.packets.length, 3);
  t.equal(broker.of('disconnect')[0]?.properties?.sessionExpiryInterval, undefined);
});

void t.test('MQTT 3.1.1: the same', async (t) => {
  const broker = await startRawBroker(t, obey);
  const test = startSubscriber(t, { endpoint: broker.endpoint, version: 4 });
  await test.is('opened');
  await test.stop();
  t.match(broker.packets, [{ cmd: 'connect', protocolVersion: 4, clean: false }, { cmd: 'subscribe', subscriptions: [{ topic: 'down/+', qos: 1 }] }, { cmd: 'disconnect' }]);
  t.equal(broker.packets.length, 3);
});

void t.test('a broker without MQTT 5 gets MQTT 3.1.1', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'connect' && packet.protocolVersion === 5) connection.send({ cmd: 'connack', reasonCode: 0x84, sessionPresent: false });
    else obey(packet, connection);
  });
  const test = startSubscriber(t, { endpoint: broker.endpoint });
  await test.is('opened');
  t.match(broker.of('connect'), [{ protocolVersion: 5 }, { protocolVersion: 4 }]);
});

void t.test('a SUBSCRIBE that is not answered ends at the connect timeout', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd !== 'subscribe' || connection.number > 1) obey(packet, connection);
  });
  const test = startSubscriber(t, { endpoint: broker.endpoint, connectTimeoutMs: 400 });
  await test.is('opened');
  t.match(test.log, [{ state: 'opening' }, { state: 'authenticating' }, { state: 'unreachable', reason: 'connect_timeout', detail: 'SUBSCRIBE was not answered' }, { state: 'authenticating' }, { state: 'opened' }]);
  t.match(test.subscriber.status(), { state: 'opened', connects: 1, lastError: { reason: 'connect_timeout', detail: 'SUBSCRIBE was not answered', time: Number } });
});

void t.test('less than QoS 1 is a refusal', async (t) => {
  for (const version of [4, 5] as const) {
    const broker = await startRawBroker(t, (packet, connection) => {
      if (packet.cmd === 'subscribe') connection.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [connection.number === 1 ? 0 : 1] });
      else obey(packet, connection);
    });
    const test = startSubscriber(t, { endpoint: broker.endpoint, version });
    await test.is('opened');
    t.match(test.log, [{ state: 'opening' }, { state: 'authenticating' }, { state: 'unreachable', reason: 'subscribe_refused', detail: 'QoS 1 was not granted for down/+' }, { state: 'authenticating' }, { state: 'opened' }]);
    t.equal(broker.of('disconnect').length, 1, 'the session that is of no use was left');
    await test.stop();
  }
});

void t.test('a DISCONNECT instead of SUBACK', async (t) => {
  const rows = [
    { code: 0x87, reason: 'subscribe_refused' },
    { code: 0x8f, reason: 'subscribe_refused' },
    { code: 0x8b, reason: 'session_lost' },
    { code: 0x8e, reason: 'client_id_taken_over' },
  ] as const;
  for (const { code, reason } of rows) {
    const broker = await startRawBroker(t, (packet, connection) => {
      if (packet.cmd !== 'subscribe') return obey(packet, connection);
      connection.send({ cmd: 'disconnect', reasonCode: code });
      connection.socket.end();
    });
    const test = startSubscriber(t, { endpoint: broker.endpoint, reconnect: { minMs: 60_000, maxMs: 60_000 } });
    await test.is('unreachable', reason);
    await test.stop();
  }
});

void t.test('not authorised after SUBACK is a lost session', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    obey(packet, connection);
    if (packet.cmd !== 'subscribe' || connection.number > 1) return;
    connection.send({ cmd: 'disconnect', reasonCode: 0x87 });
    connection.socket.end();
  });
  const test = startSubscriber(t, { endpoint: broker.endpoint });
  await until('two sessions', () => broker.of('subscribe').length === 2);
  await test.is('opened');
  t.match(test.log.find(({ msg }) => msg === 'downlink session closed'), { reason: 'session_lost', detail: 'the broker sent DISCONNECT 0x87' });
});

void t.test('a slow store is no dead connection: a PINGRESP may wait behind the messages for longer than the keep-alive', async (t) => {
  for (const version of [4, 5] as const) {
    const broker = await startRawBroker(t, (packet, connection) => {
      if (packet.cmd === 'pingreq') connection.send({ cmd: 'pingresp' });
      else obey(packet, connection);
      if (packet.cmd === 'subscribe') connection.send(...Array.from({ length: mostAtOnce }, (_, index) => publish(index + 1)));
    });
    const test = startSubscriber(t, { endpoint: broker.endpoint, version, keepAliveMs: 1_000 });
    let finish: () => void = () => undefined;
    const storing = new Promise<void>((resolve) => (finish = resolve));
    test.store = () => storing;
    // The first one's answer is not read; at the end of the keep-alive another one is sent, twice.
    await until('three pings', () => broker.of('pingreq').length >= 3);
    t.same(test.received, ['down/a 1']);
    finish();
    await until('every PUBACK', () => broker.of('puback').length === mostAtOnce);
    t.equal(broker.of('connect').length, 1);
    await test.stop();
  }
});

void t.test('messages right behind CONNACK are acknowledged when they are stored, nothing behind one that failed', async (t) => {
  for (const version of [4, 5] as const) {
    const acknowledged: (readonly [number, number | undefined])[] = [];
    const broker = await startRawBroker(t, (packet, connection) => {
      if (packet.cmd === 'connect') return connection.send(connack(true), publish(1), publish(2), publish(3));
      if (packet.cmd === 'puback') acknowledged.push([connection.number, packet.messageId]);
      else obey(packet, connection, true);
    });
    const test = startSubscriber(t, { endpoint: broker.endpoint, version });
    test.store = (_incoming, text) => {
      if (text !== '2') return Promise.resolve();
      test.store = async () => undefined;
      return Promise.reject(new Error('broken'));
    };
    await until('all', () => acknowledged.length >= 4);
    await test.is('opened');
    t.same(acknowledged, [[1, 1], [2, 1], [2, 2], [2, 3]]);
    t.same(test.stored, ['1', '1', '2', '3']);
    await test.stop();
  }
});

void t.test('a store that ends too late sends no PUBACK, on no connection', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'connect' && connection.number === 1) connection.send(connack(), publish(1));
    else obey(packet, connection);
  });
  const test = startSubscriber(t, { endpoint: broker.endpoint, storeTimeoutMs: 50 });
  let finish: () => void = () => undefined;
  const storing = new Promise<void>((resolve) => (finish = resolve));
  test.store = () => storing;
  await until('the second session', () => broker.of('subscribe').length === 2);
  await test.is('opened');
  finish();
  await until('the late end', () => test.stored.length === 1);
  await test.stop();
  t.equal(broker.of('disconnect').length, 2, 'both sessions were read to their end');
  t.same(broker.of('puback'), []);
});

void t.test('messages of different topics are stored side by side, those of one topic one after another; PUBACKs keep the order of the messages', async (t) => {
  const acknowledged: (number | undefined)[] = [];
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'puback') acknowledged.push(packet.messageId);
    else obey(packet, connection);
    if (packet.cmd === 'subscribe') connection.send(publish(1, 'down/a'), publish(2, 'down/b'), publish(3, 'down/a'));
  });
  const test = startSubscriber(t, { endpoint: broker.endpoint });
  const ends = new Map<string, () => void>();
  test.store = (_incoming, text) => new Promise((resolve) => ends.set(text, resolve));
  await until('two side by side', () => ends.size === 2);
  t.same([...ends.keys()], ['1', '2']);
  ends.get('2')?.();
  await until('the second', () => test.stored.includes('2'));
  t.same(acknowledged, [], 'the first is still being stored');
  ends.get('1')?.();
  await until('the third', () => ends.size === 3);
  ends.get('3')?.();
  await until('all', () => acknowledged.length === 3);
  t.same(acknowledged, [1, 2, 3]);
  await test.stop();
});

void t.test('a bounded number of messages is taken at a time, and the rest follows', async (t) => {
  const total = 100;
  let acknowledged = 0;
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'puback') acknowledged += 1;
    else obey(packet, connection);
    if (packet.cmd === 'subscribe') connection.send(...Array.from({ length: total }, (_, index) => publish(index + 1, `down/${index}`)));
  });
  const test = startSubscriber(t, { endpoint: broker.endpoint, version: 4 });
  const waiting: (() => void)[] = [];
  let most = 0;
  test.store = () => new Promise((resolve) => (most = Math.max(most, waiting.push(resolve))));
  await until('as many as may be', () => waiting.length === mostAtOnce);
  for (let done = 0; done < total; done += 1) {
    await until('the next', () => waiting.length > 0);
    waiting.shift()?.();
  }
  await until('all', () => acknowledged === total);
  t.equal(most, mostAtOnce);
  await test.stop();
});

const state = (...filters: string[]): string => JSON.stringify({ clientId: 'bridge-0-c1-downlinks', filters });

void t.test('old filters are unsubscribed first, eight at a time, and remembered as long as the broker keeps them', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd !== 'unsubscribe') return obey(packet, connection, true);
    connection.send({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: packet.unsubscriptions.map((filter) => (filter === 'old/3' ? 0x80 : filter === 'old/4' ? 0x11 : 0)) });
  });
  const stateFile = join(t.testdirName, 'state.json');
  await writeFile(stateFile, state('down/+', ...Array.from({ length: 10 }, (_, index) => `old/${index}`)));
  const test = startSubscriber(t, { endpoint: broker.endpoint, shareName: 'bridge', stateFile });
  await test.is('opened');
  t.match(broker.packets.map(({ cmd }) => cmd), ['connect', 'unsubscribe', 'unsubscribe', 'subscribe']);
  t.same(broker.of('unsubscribe').map(({ unsubscriptions }) => unsubscriptions), [
    ['down/+', 'old/0', 'old/1', 'old/2', 'old/3', 'old/4', 'old/5', 'old/6'],
    ['old/7', 'old/8', 'old/9'],
  ]);
  t.equal((await readFile(stateFile, 'utf8')).trim(), state('old/3', '$share/bridge/down/+'));
});

void t.test('a session that the broker did not keep has nothing to unsubscribe', async (t) => {
  const broker = await startRawBroker(t, obey);
  const stateFile = join(t.testdirName, 'state.json');
  await writeFile(stateFile, state('old/+'));
  const test = startSubscriber(t, { endpoint: broker.endpoint, stateFile });
  await test.is('opened');
  t.same(broker.packets.map(({ cmd }) => cmd), ['connect', 'subscribe']);
  t.equal((await readFile(stateFile, 'utf8')).trim(), state('down/+'));
});

void t.test('a filter is remembered before SUBSCRIBE leaves: its SUBACK may come after the process ended', async (t) => {
  let atSubscribe: Promise<string> | undefined;
  const stateFile = join(t.testdirName, 'state.json');
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'subscribe') atSubscribe = readFile(stateFile, 'utf8');
    else obey(packet, connection);
  });
  startSubscriber(t, { endpoint: broker.endpoint, stateFile });
  await until('SUBSCRIBE', () => atSubscribe !== undefined);
  t.equal((await atSubscribe)?.trim(), state('down/+'));
});
