import { CreateThingCommand, DescribeEndpointCommand, ListThingsCommand, ListThingTypesCommand } from '@aws-sdk/client-iot';
import t from 'tap';
import { runControlCommand } from '../../../src/sandbox/control-command.js';
import { until } from '../../support/until.js';
import { errorOf, openClient, startApi } from '../support/api-client.js';

void t.test('each operation has its own calls a second; what is over them is a 400', async (t) => {
  const { client, sandbox } = await startApi(t, { limits: { ListThings: 2, ListThingTypes: 0 } });
  const calls = await Promise.allSettled(Array.from({ length: 20 }, () => client.send(new ListThingsCommand({}))));
  const refused = calls.filter((call) => call.status === 'rejected');
  t.equal(calls[0]?.status, 'fulfilled');
  t.match(refused[0]?.reason, { name: 'ThrottlingException', message: 'Rate exceeded', $metadata: { httpStatusCode: 400 } });
  for (let call = 0; call < 30; call += 1) await client.send(new ListThingTypesCommand({}));
  t.match(sandbox.stats().api, { calls: { ListThings: 20, ListThingTypes: 30 }, throttled: { ListThings: refused.length } });
  t.notOk('ListThingTypes' in sandbox.stats().api.throttled);
});

void t.test("a throttled call succeeds once AWS's client tries again", async (t) => {
  const { address, sandbox } = await startApi(t);
  sandbox.misbehaveApi([{ action: 'throttle', operations: ['CreateThing'], times: 2 }]);
  const client = openClient(t, address, { maxAttempts: 4 });
  const { thingName, $metadata } = await client.send(new CreateThingCommand({ thingName: 'one' }));
  t.strictSame([thingName, $metadata.attempts], ['one', 3]);
});

void t.test('misbehaviour: failures, a share, a delay', async (t) => {
  const { client, sandbox, address } = await startApi(t, { random: () => 0.5, limits: { DescribeEndpoint: 0 } });
  const endpoint = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' });
  t.same(await runControlCommand(sandbox, '{"do":"misbehave-api","rules":[{"action":"fail","times":1},{"action":"fail","status":500,"times":1}]}'), { event: 'done', do: 'misbehave-api' });
  t.strictSame(await errorOf(client.send(endpoint)), ['ServiceUnavailableException', 503]);
  t.strictSame(await errorOf(client.send(endpoint)), ['InternalFailureException', 500]);
  await client.send(endpoint);
  sandbox.misbehaveApi([{ action: 'throttle', share: 0.5 }, { action: 'throttle', operations: ['ListThings'] }]);
  await client.send(endpoint);
  t.strictSame(await errorOf(client.send(new ListThingsCommand({}))), ['ThrottlingException', 400]);
  sandbox.misbehaveApi([{ action: 'delay', delayMs: 300 }]);
  const impatient = openClient(t, address, { requestHandler: { requestTimeout: 30, throwOnRequestTimeout: true } });
  await t.rejects(impatient.send(endpoint), { name: 'TimeoutError' });
  await client.send(endpoint);
});

void t.test('misbehaviour: no answer; stopping ends the call', async (t) => {
  const { client, sandbox } = await startApi(t);
  sandbox.misbehaveApi([{ action: 'hang', operations: ['CreateThing'] }]);
  const call = t.rejects(client.send(new CreateThingCommand({ thingName: 'one' })), { code: 'ECONNRESET' });
  await client.send(new ListThingsCommand({}));
  await until('the call has come', () => sandbox.stats().api.calls.CreateThing === 1);
  await sandbox.stop();
  await call;
});

void t.test('wrong rules are refused with their field', async (t) => {
  const { sandbox } = await startApi(t);
  const wrong: [string, RegExp][] = [
    ['[{"action":"explode"}]', /rules\.0\.action/],
    ['[{"action":"fail","status":404}]', /rules\.0\.status/],
    ['[{"action":"delay"}]', /rules\.0\.delayMs/],
    ['[{"action":"throttle","operations":["Nothing"]}]', /rules\.0\.operations\.0/],
    ['[{"action":"throttle","share":2}]', /rules\.0\.share/],
  ];
  for (const [rules, message] of wrong) t.match(await runControlCommand(sandbox, `{"do":"misbehave-api","rules":${rules}}`), { event: 'error', message }, rules);
});
