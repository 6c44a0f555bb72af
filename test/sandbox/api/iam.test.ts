import { AttachThingPrincipalCommand, AddThingToThingGroupCommand, CreateThingCommand, DescribeEndpointCommand, DescribeThingCommand, ListThingsCommand } from '@aws-sdk/client-iot';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import t from 'tap';
import { runControlCommand } from '../../../src/sandbox/control-command.js';
import type { SandboxAddress } from '../../../src/sandbox/sandbox.js';
import { openClient, refusalOf, startApi, urlOf } from '../support/api-client.js';

const user = 'User: arn:aws:iam::000000000000:user/sandbox is not authorized to perform:';
const arnHead = 'arn:aws:iot:sandbox:000000000000';

const document = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['iot:CreateThing', 'iot:DescribeThing'], Resource: 'arn:aws:iot:eu-west-1:123456789012:thing/ours-*' },
    { Effect: 'Allow', Action: 'iot:List*', Resource: '*' },
    { Effect: 'Deny', Action: 'iot:DescribeThing', Resource: 'arn:aws:iot:*:*:thing/ours-secret' },
    { Effect: 'Allow', Action: ['s3:GetObject', 'iam:PassRole'], Resource: ['arn:aws:s3:::bucket/*', 'arn:aws:iam::123456789012:role/x'] },
  ],
};

void t.test('an IAM policy allows and denies by action and resource, in the words of AWS', async (t) => {
  const { client, sandbox, address } = await startApi(t);
  t.same(await runControlCommand(sandbox, JSON.stringify({ do: 'iam-policy', document })), { event: 'done', do: 'iam-policy' });
  await client.send(new CreateThingCommand({ thingName: 'ours-1' }));
  await client.send(new DescribeThingCommand({ thingName: 'ours-1' }));
  await client.send(new ListThingsCommand({}));
  const denials: [() => Promise<unknown>, string][] = [
    [() => client.send(new CreateThingCommand({ thingName: 'theirs' })), `${user} iot:CreateThing on resource: ${arnHead}:thing/theirs because no identity-based policy allows the iot:CreateThing action`],
    [() => client.send(new CreateThingCommand({ thingName: 'ours-2', billingGroupName: 'b' })), `${user} iot:CreateThing on resource: ${arnHead}:billinggroup/b because`],
    [() => client.send(new DescribeThingCommand({ thingName: 'ours-secret' })), `${user} iot:DescribeThing on resource: ${arnHead}:thing/ours-secret with an explicit deny in an identity-based policy`],
    [() => client.send(new AttachThingPrincipalCommand({ thingName: 'ours-1', principal: address.certificateArn })), `${user} iot:AttachThingPrincipal on resource: ${address.certificateArn} because`],
    [() => client.send(new AddThingToThingGroupCommand({ thingName: 'ours-1', thingGroupName: 'g' })), `${user} iot:AddThingToThingGroup on resource: ${arnHead}:thing/ours-1 because`],
    [() => client.send(new DescribeEndpointCommand({})), `${user} iot:DescribeEndpoint on resource: * because`],
  ];
  for (const [call, message] of denials) {
    const refusal = await refusalOf(call());
    t.strictSame([refusal.name, refusal.$metadata.httpStatusCode], ['AccessDeniedException', 403]);
    t.ok(refusal.message.startsWith(message), refusal.message);
  }
  for (const wrong of [{}, { ...document, Statement: [] }, { ...document, Statement: { Effect: 'Allow', Action: 'iot:*', Resource: 'thing/x' } }]) {
    t.throws(() => sandbox.setIamPolicy(wrong), /Version|Statement|Resource/);
  }
  t.match(await runControlCommand(sandbox, JSON.stringify({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: 7 } })), { event: 'error', message: /Statement/ });
});

const role = 'arn:aws:iam::123456789012:role/path/bridge';

const temporary = (address: SandboxAddress, params: { ExternalId?: string; RoleArn?: string; RoleSessionName?: string; DurationSeconds?: number }): ReturnType<typeof fromTemporaryCredentials> => {
  const { accessKeyId, secretAccessKey } = address;
  return fromTemporaryCredentials({
    masterCredentials: { accessKeyId, secretAccessKey },
    params: { RoleArn: role, RoleSessionName: 'session', ...params },
    clientConfig: { region: 'eu-west-1', endpoint: urlOf(address), maxAttempts: 1 },
  });
};

void t.test("AssumeRole: AWS's own provider gets keys that count, also for the IAM policy", async (t) => {
  const { address, sandbox } = await startApi(t, { externalId: 'our secret & <more>' });
  const provider = temporary(address, { ExternalId: 'our secret & <more>' });
  const credentials = await provider();
  t.match(credentials, { accessKeyId: /^ASIA/, sessionToken: String, expiration: Date });
  const client = openClient(t, address, { credentials });
  await client.send(new CreateThingCommand({ thingName: 'one' }));
  const { accessKeyId, secretAccessKey } = credentials;
  t.match(await refusalOf(openClient(t, address, { credentials: { accessKeyId, secretAccessKey } }).send(new ListThingsCommand({}))), { name: 'UnrecognizedClientException' }, 'without the token');
  sandbox.setIamPolicy(document);
  t.match(await refusalOf(client.send(new CreateThingCommand({ thingName: 'two' }))), { message: /^User: arn:aws:sts::000000000000:assumed-role\/bridge\/session is not authorized/ });
});

void t.test('what AssumeRole refuses', async (t) => {
  const { address, sandbox } = await startApi(t, { externalId: 'right' });
  const ExternalId = 'right';
  await t.rejects(temporary(address, {})(), { name: 'AccessDenied', message: `${user} sts:AssumeRole on resource: ${role}` });
  await t.rejects(temporary(address, { ExternalId: 'wrong' })(), { name: 'AccessDenied' });
  await t.rejects(temporary(address, { ExternalId, RoleArn: 'nonsense' })(), { name: 'ValidationError' });
  await t.rejects(temporary(address, { ExternalId, RoleSessionName: 'a b' })(), { name: 'ValidationError' });
  await t.rejects(temporary(address, { ExternalId, DurationSeconds: 899 })(), { name: 'ValidationError' });
  await t.rejects(temporary({ ...address, accessKeyId: 'AKIAAAAAAAAAAAAAAAAA' }, { ExternalId })(), { name: 'InvalidClientTokenId' });
  await t.rejects(temporary({ ...address, secretAccessKey: 'x' }, { ExternalId })(), { name: 'SignatureDoesNotMatch' });
  sandbox.misbehaveApi([{ action: 'throttle', operations: ['AssumeRole'], times: 1 }]);
  await t.rejects(temporary(address, { ExternalId })(), { name: 'Throttling' });
  sandbox.setIamPolicy({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::123456789012:role/path/*' } });
  await t.rejects(temporary(address, { ExternalId })(), { name: 'AccessDenied' });
  const response = await fetch(urlOf(address), { method: 'POST', body: new URLSearchParams({ Action: 'Nonsense' }) });
  t.equal(response.status, 404);
  t.match(await response.text(), '<Code>InvalidAction</Code>');
});
