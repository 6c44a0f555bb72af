import type { Packet } from 'mqtt-packet';
import t from 'tap';
import type { AcceptedPublish } from '../../src/sandbox/books.js';
import { connectLibrary, nextNotice, startSandbox, within } from './support/harness.js';
import { connectRaw, publishPacket, subscribePacket } from './support/raw-client.js';

void t.test('a publish is acknowledged and seen as AWS received it', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const seen: AcceptedPublish[] = [];
  const stop = sandbox.onPublish((publish) => seen.push(publish));
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectLibrary(t, address, { protocolVersion, clientId: `client-${protocolVersion}` });
    await client.publishAsync('tpx/things/A/uplink', Buffer.from([0, 255, 16]), { qos: 1 });
  }
  t.match(seen, [
    { topic: 'tpx/things/A/uplink', payload: Buffer.from([0, 255, 16]), qos: 1, clientId: 'client-4', at: Number },
    { topic: 'tpx/things/A/uplink', qos: 1, clientId: 'client-5' },
  ]);
  t.equal(sandbox.stats().accepted, 2);
  stop();
  const client = await connectLibrary(t, address, { clientId: 'late' });
  await client.publishAsync('a', '', { qos: 1 });
  t.equal(seen.length, 2, 'the listener was removed');
});

const policy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish'], Resource: '*' },
    { Effect: 'Deny', Action: 'iot:Publish', Resource: 'arn:aws:iot:r:a:topic/secret/*' },
  ],
};

const illegal: [string, Packet, number][] = [
  ['a topic that is denied', publishPacket('secret/a'), 0x87],
  ['retain without iot:RetainPublish', publishPacket('a', { retain: true }), 0x87],
  ['a wildcard', publishPacket('a/+/b'), 0x90],
  ['a multi-level wildcard', publishPacket('a/#'), 0x90],
  ['257 bytes of topic', publishPacket('x'.repeat(257)), 0x90],
  ['eight slashes', publishPacket('1/2/3/4/5/6/7/8/9'), 0x90],
  ['a reserved topic', publishPacket('$aws/unknown'), 0x90],
  ['an empty topic', publishPacket(''), 0x90],
  ['131,073 bytes of payload', publishPacket('a', { payload: Buffer.alloc(131_073) }), 0x95],
];

void t.test('an unauthorised or illegal publish closes the connection, in MQTT 5 with a reason', async (t) => {
  const { sandbox, address } = await startSandbox(t, { policy });
  for (const [name, packet, code] of illegal) {
    const five = await connectRaw(t, address);
    five.send(packet);
    t.match(await five.rest(), [{ cmd: 'disconnect', reasonCode: code }], `${name}, MQTT 5`);
    const four = await connectRaw(t, address, { protocolVersion: 4 });
    four.send(packet);
    t.same(await four.rest(), [], `${name}, MQTT 3.1.1`);
  }
  t.equal(sandbox.stats().accepted, 0);
});

void t.test('the largest legal publishes are taken', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectLibrary(t, address);
  await client.publishAsync('x'.repeat(256), 'a', { qos: 1 });
  await client.publishAsync('1/2/3/4/5/6/7/8', 'a', { qos: 1 });
  await client.publishAsync('a', Buffer.alloc(131_072), { qos: 1 });
  t.equal(sandbox.stats().accepted, 3);
});

void t.test('QoS 2: MQTT 5 is disconnected, 3.1.1 gets no answer', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const five = await connectRaw(t, address);
  five.send(publishPacket('a', { qos: 2 }));
  t.match(await five.rest(), [{ cmd: 'disconnect', reasonCode: 0x9b }]);
  const four = await connectRaw(t, address, { protocolVersion: 4 });
  four.send(publishPacket('a', { qos: 2 }), publishPacket('a', { messageId: 2 }));
  t.match(await four.next(), { cmd: 'puback', messageId: 2 }, 'the next answer is for the next publish');
  t.match(sandbox.stats(), { accepted: 1, discarded: { qos_not_supported: 1 } });
});

void t.test('Basic Ingest is accepted, and goes to no subscriber', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send(subscribePacket('#', 'after'));
  await client.next();
  client.send(publishPacket('$aws/rules/toS3/1/2/3/4/5/6/7/8'), publishPacket('after', { qos: 0 }));
  t.match(await client.next(), { cmd: 'puback' });
  t.match(await client.next(), { cmd: 'publish', topic: 'after' });
  t.equal(sandbox.stats().accepted, 2);
});

void t.test('over 100 publishes in a second are discarded without PUBACK, and the connection stays', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectRaw(t, address, { protocolVersion, clientId: `burst-${protocolVersion}` });
    client.send(...Array.from({ length: 130 }, (_, index) => publishPacket('a', { messageId: index + 1 })), { cmd: 'pingreq' });
    const acknowledged: (number | undefined)[] = [];
    for (let packet = await client.next(); packet?.cmd === 'puback'; packet = await client.next()) acknowledged.push(packet.messageId);
    t.same(acknowledged, Array.from({ length: 100 }, (_, index) => index + 1));
  }
  t.match(sandbox.stats(), { accepted: 200, discarded: { publish_rate: 60 }, sessionsOpen: 2 });
});

void t.test('deliveries count into the 100 a second too', async (t) => {
  const { sandbox, address } = await startSandbox(t, { limits: { publishesPerSecond: 4 } });
  const client = await connectRaw(t, address);
  client.send(subscribePacket('a'));
  await client.next();
  client.send(...[1, 2, 3].map((messageId) => publishPacket('a', { messageId })));
  const first = [await client.next(), await client.next(), await client.next(), await client.next()].map((packet) => packet?.cmd);
  t.same(first.sort(), ['puback', 'puback', 'publish', 'publish'], 'two in, two out; the third came too fast');
  t.match(sandbox.stats(), { accepted: 2, discarded: { publish_rate: 1 } });
});

void t.test('the limit switched off takes a burst', async (t) => {
  const { sandbox, address } = await startSandbox(t, { limits: { publishesPerSecond: 0, bytesPerSecond: 0 } });
  const client = await connectLibrary(t, address);
  await within('2000 PUBACKs', Promise.all(Array.from({ length: 2000 }, () => client.publishAsync('a', 'x', { qos: 1 }))));
  t.match(sandbox.stats(), { accepted: 2000, discarded: {} });
});

void t.test('over 512 KiB a second is delayed, not lost', async (t) => {
  const { sandbox, address } = await startSandbox(t, { limits: { bytesPerSecond: 64 * 1024 } });
  const client = await connectLibrary(t, address);
  await within('3 PUBACKs', Promise.all([1, 2, 3].map(() => client.publishAsync('a', Buffer.alloc(30_000), { qos: 1 }))));
  t.match(sandbox.stats(), { accepted: 3, discarded: {} });
});

void t.test('more unacknowledged publishes than Receive Maximum: 0x93 in MQTT 5, discarded in 3.1.1', async (t) => {
  const { sandbox, address } = await startSandbox(t, { limits: { receiveMaximum: 3 } });
  sandbox.misbehave([{ action: 'delay-puback', delayMs: 60_000 }]);
  const publishes = [1, 2, 3, 4].map((messageId) => publishPacket('a', { messageId }));
  const five = await connectRaw(t, address);
  five.send(...publishes);
  t.match(await five.rest(), [{ cmd: 'disconnect', reasonCode: 0x93 }]);
  const four = await connectRaw(t, address, { protocolVersion: 4 });
  const discarded = nextNotice(sandbox, 'discarded');
  four.send(...publishes);
  t.match(await discarded, { reason: 'receive_maximum' });
  t.match(sandbox.stats(), { accepted: 6, sessionsOpen: 1 });
});

void t.test('a topic alias stands for its topic', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const topics: string[] = [];
  sandbox.onPublish(({ topic }) => topics.push(topic));
  const client = await connectRaw(t, address);
  client.send(
    publishPacket('a', { properties: { topicAlias: 1 } }),
    publishPacket('', { messageId: 2, properties: { topicAlias: 1 } }),
    publishPacket('b', { messageId: 3, properties: { topicAlias: 1 } }),
    publishPacket('', { messageId: 4, properties: { topicAlias: 1 } }),
  );
  for (const messageId of [1, 2, 3, 4]) t.match(await client.next(), { cmd: 'puback', messageId });
  t.same(topics, ['a', 'a', 'b', 'b']);
});

const badAliases: [string, Packet, number][] = [
  ['over the maximum', publishPacket('a', { properties: { topicAlias: 9 } }), 0x94],
  ['zero', publishPacket('a', { properties: { topicAlias: 0 } }), 0x94],
  ['unknown', publishPacket('', { properties: { topicAlias: 1 } }), 0x82],
];

void t.test('a wrong topic alias closes the connection', async (t) => {
  const { address } = await startSandbox(t);
  for (const [name, packet, code] of badAliases) {
    const client = await connectRaw(t, address);
    client.send(packet);
    t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: code }], name);
  }
});

void t.test('the AWS side publishes without a client', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send(subscribePacket('down/+'));
  await client.next();
  sandbox.publish({ topic: 'down/a', payload: 'hello' });
  t.match(await client.next(), { cmd: 'publish', topic: 'down/a', qos: 1, payload: Buffer.from('hello') });
  t.equal(sandbox.stats().accepted, 0, 'not a publish of a client');
  t.throws(() => sandbox.publish({ topic: 'down/#', payload: '' }), { message: /cannot be published on/ });
});
