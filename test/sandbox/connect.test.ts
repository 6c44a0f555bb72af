import t from 'tap';
import { connectLibrary, nextNotice, startSandbox, within } from './support/harness.js';
import { connectRaw, openRaw, publishPacket, subscribePacket, tryRaw } from './support/raw-client.js';

void t.test('CONNACK tells what AWS offers in MQTT 5', async (t) => {
  const { address } = await startSandbox(t);
  const { connack } = await tryRaw(t, address, { connect: { keepalive: 5, properties: { sessionExpiryInterval: 999_999 } } });
  t.match(connack, {
    reasonCode: 0,
    sessionPresent: false,
    properties: {
      maximumQoS: 1,
      retainAvailable: true,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: true,
      serverKeepAlive: 30,
      receiveMaximum: 100,
      topicAliasMaximum: 8,
      sessionExpiryInterval: 3600,
    },
  });
  t.notOk(connack?.properties?.assignedClientIdentifier);
});

void t.test('a client without an id gets one', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const opened = nextNotice(sandbox, 'session-opened');
  const { connack } = await tryRaw(t, address, { clientId: '' });
  t.equal(connack?.properties?.assignedClientIdentifier, (await opened).clientId);
  t.equal((await tryRaw(t, address, { clientId: '', protocolVersion: 4 })).connack?.returnCode, 0);
});

const badIds = ['$me', 'x'.repeat(129), 'é'.repeat(65)];

void t.test('client ids over 128 bytes or with a leading $ are refused', async (t) => {
  const { address } = await startSandbox(t);
  for (const clientId of badIds) {
    t.equal((await tryRaw(t, address, { clientId })).connack?.reasonCode, 0x85);
    t.equal((await tryRaw(t, address, { clientId, protocolVersion: 4 })).connack?.returnCode, 2);
  }
  t.equal((await tryRaw(t, address, { clientId: 'x'.repeat(128) })).connack?.reasonCode, 0);
});

void t.test('3.1.1: a client without an id cannot keep a session', async (t) => {
  const { address } = await startSandbox(t);
  const client = await openRaw(t, address, { protocolVersion: 4 });
  client.sendBytes(Buffer.from([0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0]));
  t.match(await client.rest(), [{ cmd: 'connack', returnCode: 2 }]);
});

const onlyBridgeOne = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'iot:Connect', Resource: 'arn:aws:iot:eu-west-1:1:client/bridge-1' } };

void t.test('an unauthorised CONNECT: 0x87 in MQTT 5, closed without CONNACK in 3.1.1', async (t) => {
  const { sandbox, address } = await startSandbox(t, { policy: onlyBridgeOne });
  t.equal((await tryRaw(t, address, { clientId: 'bridge-1' })).connack?.reasonCode, 0);
  const five = await tryRaw(t, address, { clientId: 'bridge-2' });
  t.equal(five.connack?.reasonCode, 0x87);
  await within('close', five.client.closed);
  t.equal((await tryRaw(t, address, { clientId: 'bridge-2', protocolVersion: 4 })).connack, undefined);
  t.same(sandbox.stats().connectsRefused, { not_authorized: 2 });
});

void t.test('a second client with the same id takes over', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const first = await connectRaw(t, address, { clientId: 'same' });
  const second = await connectRaw(t, address, { clientId: 'same', protocolVersion: 4 });
  t.match(await first.rest(), [{ cmd: 'disconnect', reasonCode: 0x8e }]);
  await connectRaw(t, address, { clientId: 'same' });
  t.same(await second.rest(), [], '3.1.1 knows no DISCONNECT from the broker');
  t.match(sandbox.stats(), { sessionsOpened: 3, sessionsOpen: 1, sessionsClosed: { duplicate_client_id: 2 } });
});

void t.test('the library connects, and hears of a take-over', async (t) => {
  const { address } = await startSandbox(t);
  const first = await connectLibrary(t, address, { clientId: 'same' });
  const told = new Promise<number | undefined>((resolve) => first.once('disconnect', (packet) => resolve(packet.reasonCode)));
  await connectLibrary(t, address, { clientId: 'same' });
  t.equal(await within('DISCONNECT', told), 0x8e);
});

void t.test('silence for one and a half times the keep-alive closes the connection', async (t) => {
  const { sandbox, address } = await startSandbox(t, { limits: { minKeepAliveSeconds: 0 } });
  const client = await connectRaw(t, address, { connect: { keepalive: 1 } });
  t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: 0x8d }]);
  t.match(sandbox.stats().sessionsClosed, { keep_alive_timeout: 1 });
});

const badConnects: [string, Parameters<typeof tryRaw>[2], number | undefined][] = [
  ['will with QoS 2', { connect: { will: { topic: 'w', payload: 'x', qos: 2 } } }, 0x9b],
  ['will with QoS 2 in 3.1.1', { protocolVersion: 4, connect: { will: { topic: 'w', payload: 'x', qos: 2 } } }, undefined],
  ['will on a wildcard', { connect: { will: { topic: 'w/#', payload: 'x' } } }, 0x90],
  ['packets under 512 bytes', { connect: { properties: { maximumPacketSize: 511 } } }, 0x80],
  ['enhanced authentication', { connect: { properties: { authenticationMethod: 'SCRAM' } } }, 0x80],
];

void t.test('what AWS does not serve is refused', async (t) => {
  const { address } = await startSandbox(t);
  for (const [name, options, code] of badConnects) {
    const { client, connack } = await tryRaw(t, address, options);
    t.equal(connack?.reasonCode, code, name);
    await within('close', client.closed);
  }
});

void t.test('MQTT 3.1 is answered with "unacceptable protocol version"', async (t) => {
  const { address } = await startSandbox(t);
  const client = await openRaw(t, address, { protocolVersion: 4 });
  client.send({ cmd: 'connect', protocolId: 'MQIsdp', protocolVersion: 3, clientId: 'old', clean: true, keepalive: 60 });
  t.match(await client.rest(), [{ cmd: 'connack', returnCode: 1 }]);
});

const garbage: [string, Buffer][] = [
  ['a packet before CONNECT', Buffer.from([0xc0, 0x00])],
  ['an unknown packet type', Buffer.from([0x00, 0x00])],
  ['a CONNECT of another protocol', Buffer.from([0x10, 0x04, 0x00, 0x02, 0x48, 0x69])],
  ['a CONNECT that is cut short', Buffer.from([0x10, 0x02, 0x00, 0x04])],
  ['a length of five bytes', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
];

void t.test('garbage before CONNECT closes the connection without a packet', async (t) => {
  const { address } = await startSandbox(t);
  for (const [name, bytes] of garbage) {
    const client = await openRaw(t, address);
    client.sendBytes(bytes);
    t.same(await client.rest(), [], name);
  }
});

const protocolErrors: [string, Buffer, number][] = [
  ['a second CONNECT', Buffer.from([0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 60, 0, 0, 3, 0x72, 0x61, 0x77]), 0x82],
  ['PUBREL', Buffer.from([0x62, 0x02, 0x00, 0x01]), 0x82],
  ['CONNACK from a client', Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00]), 0x82],
  ['a header with wrong flags', Buffer.from([0xc1, 0x00]), 0x81],
  ['a PUBLISH with both QoS bits', Buffer.from([0x36, 0x03, 0x00, 0x01, 0x61]), 0x81],
  ['a PUBLISH whose topic runs over its end', Buffer.from([0x30, 0x03, 0x00, 0x10, 0x61]), 0x81],
  ['a SUBSCRIBE without filters', Buffer.from([0x82, 0x03, 0x00, 0x01, 0x00]), 0x81],
  ['a QoS 1 PUBLISH with packet id 0', Buffer.from([0x32, 0x06, 0x00, 0x01, 0x61, 0x00, 0x00, 0x00]), 0x81],
];

void t.test('what breaks the protocol closes the connection with its reason', async (t) => {
  const { address } = await startSandbox(t);
  for (const [name, bytes, code] of protocolErrors) {
    const client = await connectRaw(t, address);
    client.sendBytes(bytes);
    t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: code }], name);
  }
});

void t.test('a packet that is announced too large is not waited for', async (t) => {
  const { address } = await startSandbox(t, { limits: { bytesPerSecond: 0 } });
  const client = await connectRaw(t, address);
  client.sendBytes(Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(200 * 1024)]));
  t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: 0x95 }]);
});

void t.test('the will goes out when the connection breaks, not after DISCONNECT', async (t) => {
  const { address } = await startSandbox(t);
  const watcher = await connectRaw(t, address, { clientId: 'watcher' });
  watcher.send(subscribePacket('wills/+'));
  await watcher.next();
  const polite = await connectRaw(t, address, { clientId: 'polite', connect: { will: { topic: 'wills/polite', payload: 'bye' } } });
  polite.send({ cmd: 'disconnect', reasonCode: 0 });
  await within('close', polite.closed);
  const rude = await connectRaw(t, address, { clientId: 'rude', connect: { will: { topic: 'wills/rude', payload: 'bye', qos: 1 } } });
  rude.socket.destroy();
  t.match(await watcher.next(), { cmd: 'publish', topic: 'wills/rude', qos: 1 });
  const asking = await connectRaw(t, address, { clientId: 'asking', connect: { will: { topic: 'wills/asking', payload: 'bye' } } });
  asking.send({ cmd: 'disconnect', reasonCode: 4 });
  t.match(await watcher.next(), { cmd: 'publish', topic: 'wills/asking' }, 'MQTT 5: disconnect with will');
});

void t.test('a will that the policy does not allow is not published', async (t) => {
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
      { Effect: 'Deny', Action: 'iot:Publish', Resource: 'arn:aws:iot:r:a:topic/wills/secret' },
    ],
  };
  const { address } = await startSandbox(t, { policy });
  const watcher = await connectRaw(t, address, { clientId: 'watcher' });
  watcher.send(subscribePacket('wills/+'));
  await watcher.next();
  for (const topic of ['wills/secret', 'wills/open']) {
    const client = await connectRaw(t, address, { clientId: topic.replace('/', '-'), connect: { will: { topic, payload: 'bye' } } });
    client.socket.destroy();
    await within('close', client.closed);
  }
  t.match(await watcher.next(), { topic: 'wills/open' });
});

void t.test('presence is published on the topics of AWS', async (t) => {
  const { address } = await startSandbox(t);
  const watcher = await connectRaw(t, address, { clientId: 'watcher' });
  watcher.send(subscribePacket('$aws/events/presence/+/device'));
  await watcher.next();
  const device = await connectRaw(t, address, { clientId: 'device' });
  device.send({ cmd: 'disconnect', reasonCode: 0 });
  const bodies = [await watcher.next(), await watcher.next()].map((packet) => (packet?.cmd === 'publish' ? (JSON.parse(packet.payload.toString()) as object) : undefined));
  t.match(bodies, [
    { clientId: 'device', eventType: 'connected', principalIdentifier: address.certificateId },
    { clientId: 'device', eventType: 'disconnected', clientInitiatedDisconnect: true, disconnectReason: 'CLIENT_INITIATED_DISCONNECT' },
  ]);
});

void t.test('too many CONNECTs of one client id in a second are refused, when the limit is on', async (t) => {
  const { address } = await startSandbox(t, { limits: { connectsPerSecond: 1 } });
  const codes = await Promise.all(['a', 'a', 'b'].map(async (clientId) => (await tryRaw(t, address, { clientId })).connack?.reasonCode));
  t.same(codes.slice(0, 2).sort(), [0, 0x97]);
  t.equal(codes[2], 0);
});

void t.test('stop says goodbye, and a second start serves again', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  await sandbox.stop();
  t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: 0x8b }]);
  const again = await sandbox.start();
  t.equal(again.certificateId, address.certificateId);
  const second = await connectRaw(t, again);
  second.send(publishPacket('a'));
  t.match(await second.next(), { cmd: 'puback', messageId: 1 });
});
