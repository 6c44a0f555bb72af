import t from 'tap';
import { runControlCommand } from '../../src/sandbox/control-command.js';
import { nextNotice, startSandbox } from './support/harness.js';
import { connectRaw, openRaw, publishPacket, subscribePacket, tryRaw } from './support/raw-client.js';

void t.test('each command takes effect before it is answered', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const run = (command: object): Promise<object> => runControlCommand(sandbox, JSON.stringify(command));

  t.same(await run({ do: 'cut' }), { event: 'done', do: 'cut' });
  await t.rejects(openRaw(t, address), { code: 'ECONNREFUSED' });
  t.same(await run({ do: 'restore' }), { event: 'done', do: 'restore' });
  const client = await connectRaw(t, address);
  client.send(subscribePacket('down'));
  await client.next();
  t.same(await run({ do: 'publish', topic: 'down', payloadBase64: '/wAQ' }), { event: 'done', do: 'publish' });
  t.match(await client.next(), { topic: 'down', qos: 1, payload: Buffer.from([255, 0, 16]) });
  t.same(await run({ do: 'publish', topic: 'down', payload: 'text', qos: 0 }), { event: 'done', do: 'publish' });
  t.match(await client.next(), { topic: 'down', qos: 0, payload: Buffer.from('text') });

  t.same(await run({ do: 'blackhole' }), { event: 'done', do: 'blackhole' });
  client.send(publishPacket('a'));
  t.same(await run({ do: 'restore' }), { event: 'done', do: 'restore' });
  t.match(await client.next(), { cmd: 'puback' });

  await run({ do: 'misbehave', rules: [{ action: 'refuse-publish', reasonCode: 0x87 }] });
  client.send(publishPacket('a'));
  t.match(await client.next(), { cmd: 'puback', reasonCode: 0x87 });
  await run({ do: 'misbehave', rules: [] });
  t.match(await run({ do: 'stats' }), { event: 'done', do: 'stats', stats: { accepted: 1, sessionsOpen: 1 } });

  const closed = nextNotice(sandbox, 'session-closed');
  t.same(await run({ do: 'disconnect', clientId: 'raw' }), { event: 'done', do: 'disconnect', found: true });
  t.match(await closed, { reason: 'administrative' });
  t.same(await run({ do: 'disconnect', clientId: 'raw' }), { event: 'done', do: 'disconnect', found: false });

  await run({ do: 'certificate', status: 'INACTIVE' });
  t.equal((await tryRaw(t, address)).connack, undefined);
  await run({ do: 'certificate', status: 'ACTIVE', certificateId: address.certificateId });
  await run({ do: 'policy', document: { Version: '2012-10-17', Statement: { Effect: 'Deny', Action: '*', Resource: '*' } } });
  t.equal((await tryRaw(t, address)).connack?.reasonCode, 0x87);
});

const wrong: [string, string, RegExp][] = [
  ['no JSON', 'cut', /not a JSON object/],
  ['no object', '[]', /do|expected object/],
  ['an unknown command', '{"do":"explode"}', /do/],
  ['a key too many', '{"do":"cut","now":true}', /now/],
  ['a wrong status', '{"do":"certificate","status":"active"}', /status/],
  ['an unknown certificate', `{"do":"certificate","status":"ACTIVE","certificateId":"${'0'.repeat(64)}"}`, /not registered/],
  ['a wrong policy', '{"do":"policy","document":{}}', /Version/],
  ['wrong rules', '{"do":"misbehave","rules":[{"action":"sulk"}]}', /rules\.0\.action/],
  ['an illegal topic', '{"do":"publish","topic":"a/#"}', /cannot be published on/],
  ['a wrong payload', '{"do":"publish","topic":"a","payloadBase64":"%"}', /payloadBase64/],
];

void t.test('a wrong command is answered with an error, and does nothing', async (t) => {
  const { sandbox, address } = await startSandbox(t);
  const client = await connectRaw(t, address);
  for (const [name, line, message] of wrong) t.match(await runControlCommand(sandbox, line), { event: 'error', message }, name);
  client.send({ cmd: 'pingreq' });
  t.match(await client.next(), { cmd: 'pingresp' });
});
