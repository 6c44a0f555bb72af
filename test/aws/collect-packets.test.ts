import type { Packet } from 'mqtt-packet';
import t from 'tap';
import { rejectsWith } from '../contracts/downlink-store-opened.js';
import { startCollector } from './support/collector.js';
import { startRawBroker, type RawConnection } from './support/raw-broker.js';

const connack = (sessionPresent: boolean): Packet => ({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent });
const publish = (messageId: number): Packet => ({ cmd: 'publish', topic: 'down/a', payload: Buffer.from(String(messageId)), qos: 1, dup: false, retain: false, messageId });
const unsuback = (packet: Packet): Packet => ({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: [0, 0] });

/** Answers as a broker that kept a session with one message in it. */
const obey = (packet: Packet, connection: RawConnection): void => {
  if (packet.cmd === 'connect' && packet.clean === true) connection.send(connack(false));
  else if (packet.cmd === 'connect') connection.send(connack(true), publish(1));
  else if (packet.cmd === 'unsubscribe') connection.send(unsuback(packet));
  else if (packet.cmd === 'disconnect') connection.socket.end();
};

void t.test('the packets: nothing is subscribed, both forms of the filter are unsubscribed, and the session is ended', async (t) => {
  const broker = await startRawBroker(t, obey);
  const collector = startCollector(t, { endpoint: broker.endpoint, shareName: 'bridge' });
  await collector.done;
  t.same(collector.stored, ['1']);
  t.match(broker.packets, [
    { cmd: 'connect', clientId: 'bridge-0-c1-downlinks', clean: false, protocolVersion: 5, properties: { sessionExpiryInterval: 604_800 } },
    { cmd: 'puback', messageId: 1 },
    { cmd: 'unsubscribe', unsubscriptions: ['$share/bridge/down/+', 'down/+'] },
    { cmd: 'disconnect' },
    { cmd: 'connect', clientId: 'bridge-0-c1-downlinks', clean: true, properties: { sessionExpiryInterval: 0 } },
    { cmd: 'disconnect' },
  ]);
  t.equal(broker.packets.length, 6);
});

void t.test('what comes behind UNSUBACK is taken too', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    obey(packet, connection);
    if (packet.cmd === 'unsubscribe') connection.send(publish(2), publish(3));
  });
  const collector = startCollector(t, { endpoint: broker.endpoint });
  await collector.done;
  t.same(collector.stored, ['1', '2', '3']);
  t.same(broker.of('puback').map(({ messageId }) => messageId), [1, 2, 3]);
});

void t.test('a downlink that comes while the session is being left is not lost with it', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'disconnect' && connection.number === 1) connection.send(publish(2));
    if (packet.cmd === 'connect' && connection.number === 2) connection.send(connack(true), publish(2));
    else obey(packet, connection);
  });
  const collector = startCollector(t, { endpoint: broker.endpoint });
  await collector.done;
  t.same(collector.stored, ['1', '2']);
  t.same(broker.of('connect').map(({ clean }) => clean), [false, false, true]);
});

void t.test('an UNSUBSCRIBE that is not answered, and a broker that closes: from the beginning', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'unsubscribe' && connection.number === 1) return;
    if (packet.cmd === 'unsubscribe' && connection.number === 2) return void connection.socket.destroy();
    obey(packet, connection);
  });
  const collector = startCollector(t, { endpoint: broker.endpoint, connectTimeoutMs: 300 });
  await collector.done;
  t.match(collector.log, [{ reason: 'connect_timeout', detail: 'UNSUBSCRIBE was not answered' }, { reason: 'session_lost' }, { detail: '3 came' }]);
  t.same(broker.of('connect').map(({ clean }) => clean), [false, false, false, true]);
  t.match(await collector.registry.metrics(), /sessions_lost_total{connection="c1",reason="session_lost"} 1/);
});

void t.test('a broker without MQTT 5 gets MQTT 3.1.1', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'connect' && packet.protocolVersion === 5) connection.send({ cmd: 'connack', reasonCode: 0x84, sessionPresent: false });
    else obey(packet, connection);
  });
  await startCollector(t, { endpoint: broker.endpoint }).done;
  t.match(broker.of('connect'), [{ protocolVersion: 5 }, { protocolVersion: 4, clean: false }, { protocolVersion: 4, clean: true }]);
});

void t.test('a session that cannot be ended is tried again', async (t) => {
  const broker = await startRawBroker(t, (packet, connection) => {
    if (packet.cmd === 'connect' && packet.clean === true && connection.number === 2) connection.send({ cmd: 'connack', reasonCode: 0x9f, sessionPresent: false });
    else obey(packet, connection);
  });
  await startCollector(t, { endpoint: broker.endpoint }).done;
  t.same(broker.of('connect').map(({ clean }) => clean), [false, true, false, true]);
});

void t.test('a reconnect strategy that gives up ends it with the last failure', async (t) => {
  const broker = await startRawBroker(t, (_packet, { socket }) => void socket.destroy());
  let clock = 0;
  const collector = startCollector(t, { endpoint: broker.endpoint, reconnectStrategy: 'CALM', reconnect: { minMs: 1, maxMs: 1 } }, { now: () => (clock += 48 * 3_600_000) });
  await rejectsWith(t, collector.done, 'certificate_refused');
});
