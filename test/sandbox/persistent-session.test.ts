import t from 'tap';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { nextNotice, startSandbox, within, type Running } from './support/harness.js';
import { connectRaw, subscribePacket, tryRaw, type RawClient, type RawConnectOptions } from './support/raw-client.js';

const persistent = {
  4: { protocolVersion: 4, connect: { clean: false } },
  5: { protocolVersion: 5, connect: { clean: false, properties: { sessionExpiryInterval: 600 } } },
} as const satisfies Record<number, RawConnectOptions>;

const payloadsOf = async (client: RawClient, count: number, acknowledge = true): Promise<string[]> => {
  const payloads: string[] = [];
  while (payloads.length < count) {
    const packet = await client.next();
    if (packet === undefined) throw new Error('closed');
    if (packet.cmd !== 'publish') continue;
    payloads.push(packet.payload.toString());
    if (acknowledge && packet.messageId !== undefined) client.send({ cmd: 'puback', messageId: packet.messageId, reasonCode: 0 });
  }
  return payloads;
};

/** Connects, subscribes and leaves: what is published from now on has to wait. */
const subscribeAndLeave = async (t: Parameters<typeof connectRaw>[0], { sandbox, address }: Running, options: RawConnectOptions, filter = 'down/+'): Promise<void> => {
  const client = await connectRaw(t, address, options);
  client.send(subscribePacket(filter));
  await client.next();
  const left = nextNotice(sandbox, 'session-closed');
  client.send({ cmd: 'disconnect', reasonCode: 0 });
  await left;
};

const publish = (sandbox: Sandbox, ...payloads: string[]): void => {
  for (const payload of payloads) sandbox.publish({ topic: 'down/a', payload });
};

void t.test('QoS 1 messages wait for a client that is away, QoS 0 ones do not', async (t) => {
  for (const version of [4, 5] as const) {
    const running = await startSandbox(t);
    await subscribeAndLeave(t, running, persistent[version]);
    running.sandbox.publish({ topic: 'down/a', payload: 'unreliable', qos: 0 });
    publish(running.sandbox, '1', '2', '3');
    const { client, connack } = await tryRaw(t, running.address, persistent[version]);
    t.equal(connack?.sessionPresent, true);
    t.same(await payloadsOf(client, 3), ['1', '2', '3'], `MQTT ${version}, without a new SUBSCRIBE`);
  }
});

void t.test('a clean session forgets', async (t) => {
  const running = await startSandbox(t);
  await subscribeAndLeave(t, running, persistent[5]);
  publish(running.sandbox, 'lost');
  const { client, connack } = await tryRaw(t, running.address, { connect: { clean: true } });
  t.equal(connack?.sessionPresent, false);
  client.send(subscribePacket('down/+'));
  await client.next();
  publish(running.sandbox, 'new');
  t.same(await payloadsOf(client, 1), ['new']);
});

void t.test('MQTT 5 without a session expiry keeps nothing', async (t) => {
  const running = await startSandbox(t);
  await subscribeAndLeave(t, running, { connect: { clean: false } });
  t.equal((await tryRaw(t, running.address, { connect: { clean: false } })).connack?.sessionPresent, false);
});

void t.test('a session is not resumed in another version of MQTT', async (t) => {
  const running = await startSandbox(t);
  await subscribeAndLeave(t, running, persistent[4]);
  t.equal((await tryRaw(t, running.address, persistent[5])).connack?.sessionPresent, false);
});

void t.test('what is asked for is lowered to the limit, and the session ends with its expiry', async (t) => {
  const running = await startSandbox(t, { limits: { sessionExpirySeconds: 2 } });
  const { address } = running;
  const watcher = await connectRaw(t, address, { clientId: 'watcher' });
  watcher.send(subscribePacket('clock'));
  await watcher.next();
  t.equal((await tryRaw(t, address, persistent[5])).connack?.properties?.sessionExpiryInterval, 2);
  await subscribeAndLeave(t, running, { connect: { properties: { sessionExpiryInterval: 1 } } });
  // The clock of this test: a will that is delayed by longer than the session lasts, and is begun later.
  const will = { topic: 'clock', payload: '', properties: { willDelayInterval: 2 } };
  const clock = await connectRaw(t, address, { clientId: 'clock', connect: { will, properties: { sessionExpiryInterval: 2 } } });
  clock.socket.destroy();
  t.match(await watcher.next(), { topic: 'clock' });
  t.equal((await tryRaw(t, address, persistent[5])).connack?.sessionPresent, false);
});

void t.test('DISCONNECT may end an MQTT 5 session early', async (t) => {
  const { address } = await startSandbox(t);
  const client = await connectRaw(t, address, persistent[5]);
  client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  await within('close', client.closed);
  t.equal((await tryRaw(t, address, persistent[5])).connack?.sessionPresent, false);
});

void t.test('unacknowledged messages come again after a reconnect, acknowledged ones do not', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const first = await connectRaw(t, address, persistent[5]);
  first.send(subscribePacket('down/+'));
  await first.next();
  publish(sandbox, '1', '2', '3');
  const packet = await first.next();
  first.send({ cmd: 'puback', messageId: packet?.messageId ?? 0, reasonCode: 0 }, { cmd: 'pingreq' });
  await first.next();
  await first.next();
  t.match(await first.next(), { cmd: 'pingresp' }, 'the PUBACK was read');
  const second = await connectRaw(t, address, persistent[5]);
  t.same(await payloadsOf(second, 2), ['2', '3']);
});

void t.test('stored messages come at no more than the limit in any second', async (t) => {
  const running = await startSandbox(t, { limits: { storedPerSecond: 2 } });
  await subscribeAndLeave(t, running, persistent[5]);
  publish(running.sandbox, '1', '2', '3');
  const client = await connectRaw(t, running.address, persistent[5]);
  t.same(await payloadsOf(client, 2), ['1', '2']);
  publish(running.sandbox, 'live');
  t.same(await payloadsOf(client, 2), ['live', '3'], 'a new message does not wait for the stored ones');
});

void t.test('no more unacknowledged messages than the client takes', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address, { connect: { properties: { receiveMaximum: 2 } } });
  client.send(subscribePacket('down/+'));
  await client.next();
  publish(sandbox, '1', '2', '3', '4');
  t.same(await payloadsOf(client, 2, false), ['1', '2']);
  client.send({ cmd: 'pingreq' });
  t.match(await client.next(), { cmd: 'pingresp' }, 'nothing before it');
  client.send({ cmd: 'puback', messageId: 1, reasonCode: 0 });
  t.same(await payloadsOf(client, 1, false), ['3']);
});

void t.test('a store that is full drops the newest', async (t) => {
  const running = await startSandbox(t, { limits: { maxStoredMessages: 2 } });
  await subscribeAndLeave(t, running, persistent[5]);
  publish(running.sandbox, '1', '2', '3');
  t.equal(running.sandbox.stats().storeFull, 1);
  const client = await connectRaw(t, running.address, persistent[5]);
  t.same(await payloadsOf(client, 2), ['1', '2']);
});

void t.test('a shared group keeps messages while no member is there, when one has a persistent session', async (t) => {
  const running = await startSandbox(t);
  await subscribeAndLeave(t, running, { ...persistent[5], clientId: 'member' }, '$share/g/down/+');
  publish(running.sandbox, '1', '2');
  const client = await connectRaw(t, running.address, { ...persistent[5], clientId: 'member' });
  t.same(await payloadsOf(client, 2), ['1', '2']);
});

void t.test('what a group kept comes at no more than the limit in any second, and comes all', async (t) => {
  const running = await startSandbox(t, { limits: { storedPerSecond: 2 } });
  await subscribeAndLeave(t, running, { ...persistent[5], clientId: 'member' }, '$share/g/down/+');
  publish(running.sandbox, '1', '2', '3');
  const client = await connectRaw(t, running.address, { ...persistent[5], clientId: 'member' });
  t.same(await payloadsOf(client, 2), ['1', '2']);
  client.send({ cmd: 'pingreq' });
  t.match(await client.next(), { cmd: 'pingresp' }, 'nothing before it');
  t.same(await payloadsOf(client, 1), ['3']);
});

void t.test('any member may fetch what the group kept', async (t) => {
  const running = await startSandbox(t);
  await subscribeAndLeave(t, running, { ...persistent[5], clientId: 'away' }, '$share/g/down/+');
  publish(running.sandbox, '1', '2');
  const client = await connectRaw(t, running.address, { clientId: 'newcomer' });
  client.send(subscribePacket('$share/g/down/+'));
  t.same(await payloadsOf(client, 2), ['1', '2']);
});

void t.test('a message whose time is over is not delivered', async (t) => {
  const running = await startSandbox(t, { limits: { storedPerSecond: 1 } });
  await subscribeAndLeave(t, running, persistent[5]);
  publish(running.sandbox, 'first');
  const sender = await connectRaw(t, running.address, { clientId: 'sender' });
  sender.send({ cmd: 'publish', topic: 'down/a', payload: 'short-lived', qos: 1, dup: false, retain: false, messageId: 1, properties: { messageExpiryInterval: 1 } });
  await sender.next();
  publish(running.sandbox, 'last');
  const client = await connectRaw(t, running.address, persistent[5]);
  t.same(await payloadsOf(client, 2), ['first', 'last'], 'one a second: the second message expired while it waited');
});
