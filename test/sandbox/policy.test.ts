import t from 'tap';
import { compilePolicy, type PolicyDecision, type PolicyRequest } from '../../src/sandbox/policy.js';

const account = 'arn:aws:iot:eu-west-1:123456789012';

const document = {
  Version: '2012-10-17' as const,
  Statement: [
    { Effect: 'Allow' as const, Action: 'iot:Connect', Resource: `${account}:client/bridge-?` },
    { Effect: 'Allow' as const, Action: ['iot:Publish', 'iot:Receive'], Resource: [`${account}:topic/up/*`, `${account}:topic/\${iot:ClientId}/x`] },
    { Effect: 'Deny' as const, Action: 'iot:*', Resource: `${account}:topic/up/secret*` },
    { Effect: 'Allow' as const, Action: 'iot:Subscribe', Resource: `${account}:topicfilter/down/+/#` },
  ],
};

const rows: [PolicyRequest['action'], string, PolicyDecision][] = [
  ['iot:Connect', 'client/bridge-1', 'allow'],
  ['iot:Connect', 'client/bridge-12', 'none'],
  ['iot:Publish', 'topic/up/a/b', 'allow'],
  ['iot:Publish', 'topic/up', 'none'],
  ['iot:RetainPublish', 'topic/up/a', 'none'],
  ['iot:Publish', 'topic/up/secret/a', 'deny'],
  ['iot:Receive', 'topic/up/secret', 'deny'],
  ['iot:Publish', 'topic/bridge-1/x', 'allow'],
  ['iot:Publish', 'topic/bridge-2/x', 'none'],
  ['iot:Subscribe', 'topicfilter/down/+/#', 'allow'],
  ['iot:Subscribe', 'topicfilter/down/a/#', 'none'],
];

void t.test('a policy allows, denies or is silent', async (t) => {
  const policy = compilePolicy(document);
  for (const [action, resource, expected] of rows) t.equal(policy({ action, resource, clientId: 'bridge-1' }), expected, `${action} ${resource}`);
});

void t.test('a client id cannot widen a policy', async (t) => {
  const policy = compilePolicy({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'iot:Publish', Resource: 'arn:aws:iot:r:a:topic/${iot:ClientId}/x' } });
  t.equal(policy({ action: 'iot:Publish', resource: 'topic/other/x', clientId: '*' }), 'none');
  t.equal(policy({ action: 'iot:Publish', resource: 'topic/*/x', clientId: '*' }), 'allow');
});

const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' };

const wrong: [string, unknown, RegExp][] = [
  ['no document', 'allow', /expected object/],
  ['no version', { Statement: [statement] }, /Version/],
  ['no statement', { Version: '2012-10-17', Statement: [] }, /Statement/],
  ['an effect in small letters', { Version: '2012-10-17', Statement: [{ ...statement, Effect: 'allow' }] }, /Statement/],
  ['a condition', { Version: '2012-10-17', Statement: [{ ...statement, Condition: {} }] }, /Statement/],
  ['a resource of another service', { Version: '2012-10-17', Statement: [{ ...statement, Resource: 'arn:aws:s3:::x' }] }, /no ARN of AWS IoT Core/],
  ['more than 2,048 characters', { Version: '2012-10-17', Statement: [{ ...statement, Sid: 'x'.repeat(2000) }] }, /2048/],
];

void t.test('a wrong policy is refused with its field', async (t) => {
  for (const [name, value, message] of wrong) t.throws(() => compilePolicy(value), { reason: 'config_invalid', message }, name);
});
