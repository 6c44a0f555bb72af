import { connect as tcpConnect } from 'node:net';
import t from 'tap';
import { nextNotice, startSandbox, within } from './support/harness.js';
import { connectRaw, openRaw, publishPacket, subscribePacket, tryRaw } from './support/raw-client.js';

void t.test('cut: sockets are destroyed, the port is closed, restore opens it again', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  await sandbox.cut();
  t.same(await client.rest(), [], 'no goodbye');
  await t.rejects(openRaw(t, address), { code: 'ECONNREFUSED' });
  t.match(sandbox.stats(), { sessionsOpen: 0, sessionsClosed: { cut: 1 } });
  await sandbox.restore();
  const again = await connectRaw(t, address);
  again.send(publishPacket('a'));
  t.match(await again.next(), { cmd: 'puback' });
});

void t.test('cut also ends handshakes that are under way', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const socket = tcpConnect(address.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await within('TCP connect', new Promise<void>((resolve) => socket.once('connect', () => resolve())));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await connectRaw(t, address); // by now the sandbox has taken the first socket too
  await sandbox.cut();
  await within('close', closed);
  t.ok(socket.destroyed);
});

void t.test('blackhole: nothing is answered, and all of it comes after restore', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  client.send(subscribePacket('down'));
  await client.next();
  sandbox.blackhole();
  client.send(publishPacket('a'));
  sandbox.publish({ topic: 'down', payload: 'held back' });
  const stranger = tcpConnect(address.port, '127.0.0.1');
  t.teardown(() => void stranger.destroy());
  await within('TCP is accepted', new Promise<void>((resolve) => stranger.once('connect', () => resolve())));
  // What another socket of the same process has done by now, this one would have done too.
  const { createServer } = await import('node:net');
  const echo = createServer((socket) => socket.end('x')).listen(0, '127.0.0.1');
  t.teardown(() => void echo.close());
  await new Promise<void>((resolve) => echo.once('listening', () => resolve()));
  const probe = tcpConnect((echo.address() as { port: number }).port, '127.0.0.1');
  await within('echo', new Promise<void>((resolve) => probe.once('close', () => resolve()).resume()));
  t.same(client.packets, [], 'silence');
  t.equal(sandbox.stats().accepted, 0, 'nothing was read');
  t.notOk(client.socket.destroyed, 'the TCP connection stays');
  await sandbox.restore();
  const commands = [(await client.next())?.cmd, (await client.next())?.cmd];
  t.same(commands.sort(), ['puback', 'publish']);
});

void t.test('a handshake begun in a blackhole goes on after restore', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.blackhole();
  const opening = openRaw(t, address);
  const stranger = tcpConnect(address.port, '127.0.0.1');
  await within('TCP is accepted', new Promise<void>((resolve) => stranger.once('connect', () => resolve())));
  stranger.destroy();
  await sandbox.restore();
  t.ok((await opening).socket.authorized);
});

void t.test('stop works in a blackhole and after a cut', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  sandbox.blackhole();
  await within('stop in a blackhole', sandbox.stop());
  await within('close', client.closed);
  await sandbox.start();
  await sandbox.cut();
  await within('stop after a cut', sandbox.stop());
  t.equal(sandbox.stats().sessionsOpen, 0);
});

void t.test('stop does not wait for a client that never begins its handshake', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const socket = tcpConnect(address.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await within('TCP connect', new Promise<void>((resolve) => socket.once('connect', () => resolve())));
  await connectRaw(t, address); // by now the sandbox has taken the first socket too
  await within('stop', sandbox.stop());
  await within('close', closed);
  t.ok(socket.destroyed);
});

void t.test('a closed session in a blackhole is closed for its client only afterwards', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  sandbox.blackhole();
  t.ok(sandbox.disconnect('raw'));
  t.equal(sandbox.stats().sessionsOpen, 0);
  t.notOk(client.socket.destroyed);
  await sandbox.restore();
  t.same(await client.rest(), []);
});

void t.test('withheld PUBACKs: discard neither delivers nor answers, deliver only loses the answer', async (t) => {
  for (const [mode, accepted] of [['discard', 0], ['deliver', 1]] as const) {
    const { sandbox, address } = await startSandbox(t);
    sandbox.misbehave([{ action: 'withhold-puback', mode, filter: 'a/#' }]);
    const client = await connectRaw(t, address);
    client.send(publishPacket('a/1'), publishPacket('b', { messageId: 2 }));
    t.match(await client.next(), { cmd: 'puback', messageId: 2 }, `${mode}: only the other topic is answered`);
    t.match(sandbox.stats(), { accepted: accepted + 1, discarded: mode === 'discard' ? { misbehaviour: 1 } : {}, sessionsOpen: 1 });
  }
});

void t.test('delayed PUBACKs come after later ones', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.misbehave([{ action: 'delay-puback', delayMs: 50, times: 1 }]);
  const client = await connectRaw(t, address);
  client.send(publishPacket('a', { messageId: 1 }), publishPacket('a', { messageId: 2 }));
  t.match(await client.next(), { cmd: 'puback', messageId: 2 });
  t.match(await client.next(), { cmd: 'puback', messageId: 1 });
  t.equal(sandbox.stats().accepted, 2);
});

void t.test('the connection is closed on a topic, without a word', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.misbehave([{ action: 'close', filter: 'poison/+' }]);
  const client = await connectRaw(t, address);
  client.send(publishPacket('good'));
  t.match(await client.next(), { cmd: 'puback' });
  client.send(publishPacket('poison/1'));
  t.same(await client.rest(), []);
  t.match(sandbox.stats(), { accepted: 1, sessionsClosed: { misbehaviour: 1 } });
});

void t.test('a publish is refused with a reason code; 3.1.1 has none, so it vanishes', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.misbehave([{ action: 'refuse-publish', filter: 'a', reasonCode: 0x87 }]);
  const five = await connectRaw(t, address);
  five.send(publishPacket('a'));
  t.match(await five.next(), { cmd: 'puback', messageId: 1, reasonCode: 0x87 });
  const four = await connectRaw(t, address, { protocolVersion: 4, clientId: 'four' });
  four.send(publishPacket('a'), publishPacket('b', { messageId: 2 }));
  t.match(await four.next(), { cmd: 'puback', messageId: 2 });
  t.match(sandbox.stats(), { accepted: 1, discarded: { misbehaviour: 2 } });
});

void t.test('connects are refused as often as told', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  sandbox.misbehave([{ action: 'refuse-connect', reasonCode: 0x88, times: 2 }]);
  t.equal((await tryRaw(t, address)).connack?.reasonCode, 0x88);
  t.equal((await tryRaw(t, address, { protocolVersion: 4 })).connack, undefined);
  t.equal((await tryRaw(t, address)).connack?.reasonCode, 0);
});

void t.test('one connection is closed from the AWS side', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address, { clientId: 'one' });
  const closed = nextNotice(sandbox, 'session-closed');
  t.ok(sandbox.disconnect('one'));
  t.match(await client.rest(), [{ cmd: 'disconnect', reasonCode: 0x98 }]);
  t.match(await closed, { clientId: 'one', reason: 'administrative' });
  t.notOk(sandbox.disconnect('one'));
});
