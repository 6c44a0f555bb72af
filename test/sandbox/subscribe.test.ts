import type { Packet } from 'mqtt-packet';
import t from 'tap';
import { connectLibrary, startSandbox, within } from './support/harness.js';
import { connectRaw, publishPacket, subscribePacket, type RawClient } from './support/raw-client.js';

/** Topics of the PUBLISH packets that come before the publish on `end`, which the sandbox sends last. */
const topicsUntilEnd = async (client: RawClient): Promise<string[]> => {
  const topics: string[] = [];
  for (let packet = await client.next(); packet !== undefined; packet = await client.next()) {
    if (packet.cmd !== 'publish') continue;
    if (packet.topic === 'end') return topics;
    topics.push(packet.topic);
  }
  throw new Error('closed before the end');
};

void t.test('a message reaches each subscriber once, with the lower QoS', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectRaw(t, address, { protocolVersion, clientId: `sub-${protocolVersion}` });
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'a/+', qos: 0 }, { topic: 'a/b', qos: 1 }, { topic: 'end', qos: 0 }] });
    t.match(await client.next(), { cmd: 'suback', messageId: 3, granted: [0, 1, 0] });
    sandbox.publish({ topic: 'a/b', payload: '1' });
    t.match(await client.next(), { cmd: 'publish', topic: 'a/b', qos: 1, dup: false, retain: false });
    sandbox.publish({ topic: 'a/c', payload: '2' });
    t.match(await client.next(), { cmd: 'publish', topic: 'a/c', qos: 0 });
    sandbox.publish({ topic: 'end', payload: '' });
    t.same(await topicsUntilEnd(client), [], 'overlapping filters give one copy');
  }
});

void t.test('properties of MQTT 5 travel with the message', async (t) => {
  const { address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send(subscribePacket('a'));
  await client.next();
  const properties = { contentType: 'application/json', responseTopic: 'r', correlationData: Buffer.from('c'), userProperties: { k: 'v' }, messageExpiryInterval: 60 };
  client.send(publishPacket('a', { qos: 0, properties: { ...properties, topicAlias: 1 } }));
  const packet = await client.next();
  t.match(packet, { cmd: 'publish', properties });
  t.equal(packet?.cmd === 'publish' ? packet.properties?.topicAlias : 0, undefined, 'an alias is a matter of one connection');
});

void t.test('a wildcard at the end does not match the level above it', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send(subscribePacket('sensor/#', 'end'));
  await client.next();
  for (const topic of ['sensor', 'sensor/1', 'sensor/1/2', 'end']) sandbox.publish({ topic, payload: '', qos: 0 });
  t.same(await topicsUntilEnd(client), ['sensor/1', 'sensor/1/2']);
});

void t.test('over 8 filters in one SUBSCRIBE are refused, all of them', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const filters = Array.from({ length: 9 }, (_, index) => `f/${index}`);
  const codes = { 4: 0x80, 5: 0x97 };
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectRaw(t, address, { protocolVersion });
    client.send(subscribePacket(...filters));
    t.match(await client.next(), { cmd: 'suback', granted: filters.map(() => codes[protocolVersion]) });
    client.send(subscribePacket('end'));
    await client.next();
    for (const topic of ['f/0', 'end']) sandbox.publish({ topic, payload: '', qos: 0 });
    t.same(await topicsUntilEnd(client), []);
  }
});

void t.test('over 50 subscriptions are refused one by one, an old one may be renewed', async (t) => {
  const { address } = await startSandbox(t);
  const codes = { 4: 0x80, 5: 0x97 };
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectRaw(t, address, { protocolVersion });
    for (let batch = 0; batch < 7; batch += 1) {
      client.send(subscribePacket(...Array.from({ length: 7 }, (_, index) => `f/${batch}/${index}`)));
      t.match(await client.next(), { granted: Array<number>(7).fill(1) });
    }
    client.send(subscribePacket('f/50', 'f/51', 'f/0/0'));
    t.match(await client.next(), { granted: [1, codes[protocolVersion], 1] });
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['f/50'] });
    t.match(await client.next(), { cmd: 'unsuback', messageId: 9 });
    client.send(subscribePacket('f/51'));
    t.match(await client.next(), { granted: [1] }, 'room again');
  }
});

const badFilters = ['a/#/b', 'a+', '1/2/3/4/5/6/7/8/9', 'x'.repeat(257), '$aws/rules/r/a', '$SYS/#', '$share/g/'];

void t.test('a filter that is not allowed is refused in the SUBACK, the others are granted', async (t) => {
  const { address } = await startSandbox(t);
  const codes = { 4: 0x80, 5: 0x8f };
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectRaw(t, address, { protocolVersion });
    client.send(subscribePacket('good', ...badFilters));
    t.match(await client.next(), { granted: [1, ...badFilters.map(() => codes[protocolVersion])] });
  }
});

const policy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish'], Resource: '*' },
    { Effect: 'Allow', Action: 'iot:Subscribe', Resource: ['arn:aws:iot:r:a:topicfilter/down/*', 'arn:aws:iot:r:a:topicfilter/end'] },
    { Effect: 'Allow', Action: 'iot:Receive', Resource: ['arn:aws:iot:r:a:topic/down/mine', 'arn:aws:iot:r:a:topic/end'] },
  ],
};

void t.test('an unauthorised SUBSCRIBE: 0x87 in MQTT 5, closed without SUBACK in 3.1.1', async (t) => {
  const { sandbox, address } = await startSandbox(t, { policy });
  const five = await connectRaw(t, address);
  five.send(subscribePacket('down/+', 'other', '$share/g/down/+', '$share/g/other'));
  t.match(await five.next(), { granted: [1, 0x87, 1, 0x87] });
  const four = await connectRaw(t, address, { protocolVersion: 4, clientId: 'four' });
  four.send(subscribePacket('down/+', 'other'));
  t.same(await four.rest(), []);
  t.match(sandbox.stats().sessionsClosed, { not_authorized: 1 });
});

void t.test('iot:Receive is asked at each delivery', async (t) => {
  const { sandbox, address } = await startSandbox(t, { policy });
  const client = await connectRaw(t, address);
  client.send(subscribePacket('down/+', 'end'));
  await client.next();
  for (const topic of ['down/theirs', 'down/mine', 'end']) sandbox.publish({ topic, payload: '' });
  t.same(await topicsUntilEnd(client), ['down/mine']);
});

void t.test('a subscription identifier closes the connection with 0xA1', async (t) => {
  const { address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send({ ...subscribePacket('a'), properties: { subscriptionIdentifier: 1 } } as Packet);
  t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: 0xa1 }]);
});

void t.test('QoS 2 is granted as QoS 1 in MQTT 5; 3.1.1 gets no SUBACK', async (t) => {
  const { address } = await startSandbox(t);
  const subscribe: Packet = { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 2 }] };
  const five = await connectRaw(t, address);
  five.send(subscribe);
  t.match(await five.next(), { cmd: 'suback', granted: [1] });
  const four = await connectRaw(t, address, { protocolVersion: 4 });
  four.send(subscribe, { cmd: 'pingreq' });
  t.match(await four.next(), { cmd: 'pingresp' });
});

void t.test('no local: a client is not given its own messages, and shared subscriptions cannot ask for it', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1, nl: true }, { topic: 'end', qos: 0 }] });
  await client.next();
  client.send(publishPacket('a'));
  t.match(await client.next(), { cmd: 'puback' });
  sandbox.publish({ topic: 'end', payload: '' });
  t.same(await topicsUntilEnd(client), []);
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$share/g/a', qos: 1, nl: true }] });
  t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: 0x82 }]);
});

void t.test('a retained message is given to an exact filter only', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.publish({ topic: 'r/1', payload: 'kept', retain: true });
  const client = await connectRaw(t, address);
  client.send(subscribePacket('r/+', 'r/#', '$share/g/r/1', 'end'));
  await client.next();
  sandbox.publish({ topic: 'end', payload: '' });
  t.same(await topicsUntilEnd(client), []);
  client.send(subscribePacket('r/1'));
  await client.next();
  t.match(await client.next(), { cmd: 'publish', topic: 'r/1', retain: true, payload: Buffer.from('kept') });
  sandbox.publish({ topic: 'r/1', payload: '', retain: true });
  const late = await connectRaw(t, address, { clientId: 'late' });
  late.send(subscribePacket('r/1', 'end'));
  await late.next();
  sandbox.publish({ topic: 'end', payload: '' });
  t.same(await topicsUntilEnd(late), [], 'an empty payload removes it');
});

void t.test('retain handling and retain as published are honoured', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.publish({ topic: 'r', payload: 'kept', retain: true });
  const client = await connectRaw(t, address);
  const subscribe = (rh: number): Packet => ({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'r', qos: 0, rap: true, rh }, { topic: 'end', qos: 0 }] });
  const rows: [number, string[]][] = [[2, []], [1, []], [0, ['r']]];
  for (const [rh, expected] of rows) {
    client.send(subscribe(rh));
    await client.next();
    sandbox.publish({ topic: 'end', payload: '' });
    t.same(await topicsUntilEnd(client), expected, `retain handling ${rh}`);
  }
  sandbox.publish({ topic: 'r', payload: 'new', retain: true });
  t.match(await client.next(), { topic: 'r', retain: true });
});

void t.test('a shared subscription gives each message to one member', async (t) => {
  const { sandbox, address } = await startSandbox(t, { limits: { publishesPerSecond: 0 } });
  const seen: string[] = [];
  let finish: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (finish = resolve));
  for (const protocolVersion of [4, 5] as const) {
    const client = await connectLibrary(t, address, { protocolVersion, clientId: `member-${protocolVersion}` });
    client.on('message', () => {
      seen.push(`member-${protocolVersion}`);
      if (seen.length === 60) finish();
    });
    await client.subscribeAsync('$share/workers/jobs/#', { qos: 1 });
  }
  const other = await connectRaw(t, address, { clientId: 'other' });
  other.send(subscribePacket('$share/others/jobs/#'));
  await other.next();
  for (let index = 0; index < 60; index += 1) sandbox.publish({ topic: `jobs/${index}`, payload: '' });
  await within('60 messages', all);
  t.same([...new Set(seen)].sort(), ['member-4', 'member-5'], 'both had some');
  for (let index = 0; index < 60; index += 1) t.match(await other.next(), { topic: `jobs/${index}` });
  t.equal(seen.length, 60);
});

void t.test('what a member left unacknowledged goes to another one', async (t) => {
  const { sandbox, address } = await startSandbox(t, { random: () => 0 });
  const first = await connectRaw(t, address, { clientId: 'first' });
  const second = await connectRaw(t, address, { clientId: 'second' });
  for (const client of [first, second]) {
    client.send(subscribePacket('$share/g/a'));
    await client.next();
  }
  sandbox.publish({ topic: 'a', payload: 'job' });
  t.match(await first.next(), { cmd: 'publish', topic: 'a' });
  first.socket.destroy();
  t.match(await second.next(), { cmd: 'publish', topic: 'a', payload: Buffer.from('job') });
});

void t.test('unsubscribed topics do not come', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send(subscribePacket('a', '$share/g/a', 'end'));
  await client.next();
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a', '$share/g/a', 'never'] });
  t.match(await client.next(), { cmd: 'unsuback', granted: [0, 0, 0] });
  for (const topic of ['a', 'end']) sandbox.publish({ topic, payload: '' });
  t.same(await topicsUntilEnd(client), []);
});
