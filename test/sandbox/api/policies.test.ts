import {
  AttachPolicyCommand, AttachPrincipalPolicyCommand, CreatePolicyCommand, CreatePolicyVersionCommand, DeletePolicyCommand, DeletePolicyVersionCommand, DetachPolicyCommand, DetachPrincipalPolicyCommand,
  GetPolicyCommand, GetPolicyVersionCommand, ListAttachedPoliciesCommand, ListPoliciesCommand, ListPolicyVersionsCommand, ListPrincipalPoliciesCommand, ListTargetsForPolicyCommand, SetDefaultPolicyVersionCommand,
} from '@aws-sdk/client-iot';
import t from 'tap';
import { allowAll } from '../../../src/sandbox/policy.js';
import { errorOf, startApi, type RunningApi } from '../support/api-client.js';
import { connectRaw, publishPacket } from '../support/raw-client.js';

const everything = JSON.stringify(allowAll);
const onlyConnect = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' } });
const denyTopic = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'iot:Publish', Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/secret' } });
const lax = { CreatePolicy: 0, CreatePolicyVersion: 0, AttachPolicy: 0 };

const create = ({ client }: RunningApi, policyName: string, policyDocument: string): Promise<unknown> => client.send(new CreatePolicyCommand({ policyName, policyDocument }));

void t.test('a policy that the API attaches or detaches counts at once', async (t) => {
  const running = await startApi(t);
  const { client, address } = running;
  const target = address.certificateArn;
  const attached = async (): Promise<(string | undefined)[]> => ((await client.send(new ListAttachedPoliciesCommand({ target }))).policies ?? []).map(({ policyName }) => policyName);
  t.strictSame(await attached(), ['sandbox-1'], 'the policy that the bridge starts with');
  await create(running, 'deny', denyTopic);
  await client.send(new AttachPolicyCommand({ policyName: 'deny', target }));
  t.strictSame(await attached(), ['sandbox-1', 'deny']);
  const first = await connectRaw(t, address, { clientId: 'c' });
  first.send(publishPacket('open'));
  t.match(await first.next(), { cmd: 'puback' });
  first.send(publishPacket('secret'));
  t.match(await first.next(), { cmd: 'disconnect', reasonCode: 0x87 });
  await client.send(new DetachPolicyCommand({ policyName: 'deny', target }));
  const second = await connectRaw(t, address, { clientId: 'c' });
  second.send(publishPacket('secret'));
  t.match(await second.next(), { cmd: 'puback' });
  t.strictSame((await client.send(new ListTargetsForPolicyCommand({ policyName: 'sandbox-1' }))).targets, [target]);
});

void t.test('versions: the default one counts', async (t) => {
  const running = await startApi(t, { limits: { ...lax, maxPolicyVersions: 3 } });
  const { client, address } = running;
  await create(running, 'p', everything);
  await client.send(new DetachPolicyCommand({ policyName: 'sandbox-1', target: address.certificateArn }));
  await client.send(new AttachPrincipalPolicyCommand({ policyName: 'p', principal: address.certificateArn }));
  t.match(await client.send(new ListPrincipalPoliciesCommand({ principal: address.certificateArn })), { policies: [{ policyName: 'p' }] });
  const session = await connectRaw(t, address, { clientId: 'c' });
  const versioned = await client.send(new CreatePolicyVersionCommand({ policyName: 'p', policyDocument: onlyConnect }));
  t.match(versioned, { policyVersionId: '2', isDefaultVersion: false });
  session.send(publishPacket('a'));
  t.match(await session.next(), { cmd: 'puback' });
  await client.send(new SetDefaultPolicyVersionCommand({ policyName: 'p', policyVersionId: '2' }));
  session.send(publishPacket('a'));
  t.match(await session.next(), { cmd: 'disconnect', reasonCode: 0x87 });
  t.match(await client.send(new GetPolicyCommand({ policyName: 'p' })), { defaultVersionId: '2', policyDocument: onlyConnect });
  t.match(await client.send(new GetPolicyVersionCommand({ policyName: 'p', policyVersionId: '1' })), { isDefaultVersion: false, policyDocument: everything });
  await client.send(new CreatePolicyVersionCommand({ policyName: 'p', policyDocument: everything, setAsDefault: true }));
  t.strictSame(await errorOf(client.send(new CreatePolicyVersionCommand({ policyName: 'p', policyDocument: everything }))), ['VersionsLimitExceededException', 409]);
  t.match((await client.send(new ListPolicyVersionsCommand({ policyName: 'p' }))).policyVersions, [{ versionId: '1' }, { versionId: '2' }, { versionId: '3', isDefaultVersion: true }]);
  t.strictSame(await errorOf(client.send(new DeletePolicyVersionCommand({ policyName: 'p', policyVersionId: '3' }))), ['DeleteConflictException', 409], 'the default one');
  t.strictSame(await errorOf(client.send(new DeletePolicyCommand({ policyName: 'p' }))), ['DeleteConflictException', 409], 'other versions');
  for (const policyVersionId of ['1', '2']) await client.send(new DeletePolicyVersionCommand({ policyName: 'p', policyVersionId }));
  t.strictSame(await errorOf(client.send(new DeletePolicyCommand({ policyName: 'p' }))), ['DeleteConflictException', 409], 'attached');
  await client.send(new DetachPrincipalPolicyCommand({ policyName: 'p', principal: address.certificateArn }));
  await client.send(new DeletePolicyCommand({ policyName: 'p' }));
  t.strictSame(await errorOf(client.send(new GetPolicyCommand({ policyName: 'p' }))), ['ResourceNotFoundException', 404]);
});

void t.test('what policies are refused for', async (t) => {
  const running = await startApi(t, { limits: { ...lax, maxPoliciesPerTarget: 2 } });
  const { client, address } = running;
  await create(running, 'p1', everything);
  t.strictSame(await errorOf(create(running, 'p1', everything)), ['ResourceAlreadyExistsException', 409], 'also when it is the same');
  for (const document of ['nonsense', '{}', JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'iot:*', Resource: 'topic/x' } })]) {
    t.strictSame(await errorOf(create(running, 'bad', document)), ['MalformedPolicyException', 400], document);
  }
  t.strictSame(await errorOf(create(running, 'a b', everything)), ['InvalidRequestException', 400]);
  t.strictSame(await errorOf(client.send(new GetPolicyVersionCommand({ policyName: 'p1', policyVersionId: '9' }))), ['ResourceNotFoundException', 404]);
  const target = address.certificateArn;
  await client.send(new AttachPolicyCommand({ policyName: 'p1', target }));
  await create(running, 'p2', everything);
  t.strictSame(await errorOf(client.send(new AttachPolicyCommand({ policyName: 'p2', target }))), ['LimitExceededException', 410]);
  t.strictSame(await errorOf(client.send(new AttachPolicyCommand({ policyName: 'none', target }))), ['ResourceNotFoundException', 404]);
  t.strictSame(await errorOf(client.send(new AttachPolicyCommand({ policyName: 'p2', target: 'nonsense' }))), ['InvalidRequestException', 400]);
  t.match((await client.send(new ListPoliciesCommand({ pageSize: 2 }))).policies, [{ policyName: 'sandbox-1' }, { policyName: 'p1' }]);
});
