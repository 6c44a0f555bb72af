import t from 'tap';
import { iotArn, placeOf } from '../../src/aws/arn.js';
import { leastPolicies, maxIotPolicyCharacters, policyCharacters, type PolicyOptions } from '../../src/aws/policies.js';
import { probeTopicOf } from '../../src/aws/probe-topic.js';

const place = { region: 'eu-west-1', account: '123456789012' };
const arn = (resource: string): string => `arn:aws:iot:eu-west-1:123456789012:${resource}`;
const options: PolicyOptions = {
  place,
  auth: 'certificate',
  clientIdPrefix: 'lpwan-bridge-0-main',
  uplinkPattern: 'tpx/things/{DevEUI}/uplink',
  otherPatterns: ['tpx/things/{DevEUI}/join', 'tpx/things/{DevEUI}/downlink/status'],
};

void t.test('uplinks alone need to connect and to publish, and no AWS credentials', async (t) => {
  t.strictSame(leastPolicies(options), {
    iot: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client/lpwan-bridge-0-main-*') },
        { Effect: 'Allow', Action: 'iot:Publish', Resource: [arn('topic/tpx/things/*/uplink'), arn('topic/tpx/things/*/join'), arn('topic/tpx/things/*/downlink/status')] },
      ],
    },
  });
});

void t.test('downlinks: the filter as it is subscribed, the topics with *; the probe of a check unless it is left out', async (t) => {
  const downlinks = { filter: 'tpx/things/+/downlink' };
  t.strictSame(leastPolicies({ ...options, downlinks, check: false }).iot?.Statement.slice(2), [
    { Effect: 'Allow', Action: 'iot:Subscribe', Resource: arn('topicfilter/tpx/things/+/downlink') },
    { Effect: 'Allow', Action: 'iot:Receive', Resource: arn('topic/tpx/things/*/downlink') },
  ]);
  t.strictSame(leastPolicies({ ...options, downlinks }).iot?.Statement.slice(2), [
    { Effect: 'Allow', Action: 'iot:Subscribe', Resource: [arn('topicfilter/tpx/things/+/downlink'), arn('topicfilter/tpx/things/LPWANBRIDGEPROBE/uplink')] },
    { Effect: 'Allow', Action: 'iot:Receive', Resource: [arn('topic/tpx/things/*/downlink'), arn('topic/tpx/things/LPWANBRIDGEPROBE/uplink')] },
  ]);
});

void t.test('a shared subscription is named in both forms', async (t) => {
  const policies = leastPolicies({ ...options, downlinks: { filter: 'down/+', shareName: 'lpwan-bridge-main' }, check: false });
  t.match(policies.iot?.Statement.slice(2), [
    { Resource: [arn('topicfilter/down/+'), arn('topicfilter/$share/lpwan-bridge-main/down/+')] },
    { Resource: [arn('topic/down/*'), arn('topic/$share/lpwan-bridge-main/down/*')] },
  ]);
});

void t.test('a rule of Basic Ingest is published to, and never probed by subscribing', async (t) => {
  const policies = leastPolicies({ ...options, uplinkPattern: '$aws/rules/lora/{DevEUI}/{FPort}', otherPatterns: [], downlinks: { filter: 'down/+' } });
  t.match(policies.iot?.Statement, [{}, { Resource: arn('topic/$aws/rules/lora/*/*') }, { Resource: arn('topicfilter/down/+') }, { Resource: arn('topic/down/*') }]);
});

const registration = { create: true, thingName: '{DevEUI}', update: false };
const actionsOf = (policies: ReturnType<typeof leastPolicies>): string[] => [...new Set(policies.iam?.Statement.flatMap(({ Action }) => Action))].sort();

const rows: readonly { readonly name: string; readonly given: Partial<PolicyOptions>; readonly actions: readonly string[] }[] = [
  { name: 'things are only looked up', given: { registration: { ...registration, create: false } }, actions: ['iot:DescribeThing'] },
  { name: 'things are made', given: { registration }, actions: ['iot:CreateThing', 'iot:DescribeThing'] },
  { name: 'and attached', given: { registration: { ...registration, certificate: { id: 'a'.repeat(64), arnKnown: true } } }, actions: ['iot:AttachThingPrincipal', 'iot:CreateThing', 'iot:DescribeThing'] },
  { name: 'to a certificate whose ARN has to be asked for', given: { registration: { ...registration, certificate: { id: 'a'.repeat(64), arnKnown: false } } }, actions: ['iot:AttachThingPrincipal', 'iot:CreateThing', 'iot:DescribeCertificate', 'iot:DescribeThing'] },
  { name: 'with a type', given: { registration: { ...registration, deviceType: 'lora' } }, actions: ['iot:CreateThing', 'iot:CreateThingType', 'iot:DescribeThing'] },
  { name: 'with a group', given: { registration: { ...registration, group: 'all' } }, actions: ['iot:AddThingToThingGroup', 'iot:CreateThing', 'iot:DescribeThing'] },
  { name: 'with a billing group', given: { registration: { ...registration, billingGroup: 'bill' } }, actions: ['iot:CreateThing', 'iot:DescribeThing'] },
  { name: 'things of others are taken over', given: { registration: { ...registration, update: true } }, actions: ['iot:CreateThing', 'iot:DescribeThing', 'iot:UpdateThing'] },
  { name: 'WebSocket: the sessions are judged by IAM', given: { auth: 'sigv4', downlinks: { filter: 'down/+' } }, actions: ['iot:Connect', 'iot:Publish', 'iot:Receive', 'iot:Subscribe'] },
  { name: 'with the check of things', given: { registration, check: true }, actions: ['iot:CreateThing', 'iot:DeleteThing', 'iot:DescribeEndpoint', 'iot:DescribeThing', 'iot:ListThings'] },
];

for (const { name, given, actions } of rows) {
  void t.test(`IAM: ${name}`, async (t) => {
    const policies = leastPolicies({ ...options, check: false, ...given });
    t.strictSame(actionsOf(policies), actions);
    t.equal(policies.iot === undefined, given.auth === 'sigv4');
  });
}

void t.test('IAM: resources are as narrow as the pattern of the names', async (t) => {
  const policies = leastPolicies({ ...options, check: false, registration: { ...registration, thingName: 'lora-{DevEUI}', billingGroup: 'bill', deviceType: 'lora', group: 'all' } });
  t.strictSame(policies.iam?.Statement, [
    { Sid: 'Things', Effect: 'Allow', Action: ['iot:DescribeThing', 'iot:CreateThing'], Resource: [arn('thing/lora-*'), arn('billinggroup/bill')] },
    { Sid: 'ThingType', Effect: 'Allow', Action: 'iot:CreateThingType', Resource: arn('thingtype/lora') },
    { Sid: 'ThingGroup', Effect: 'Allow', Action: 'iot:AddThingToThingGroup', Resource: [arn('thing/lora-*'), arn('thinggroup/all')] },
  ]);
});

void t.test("the default patterns of every type, shared, stay below the length that AWS takes", async (t) => {
  const otherPatterns = ['join', 'location', 'status', 'downlink/status', 'alarm'].map((type) => `tpx/things/{DevEUI}/${type}`);
  const { iot } = leastPolicies({ ...options, otherPatterns, downlinks: { filter: 'tpx/things/+/downlink', shareName: 'lpwan-bridge-main' } });
  const characters = iot === undefined ? Infinity : policyCharacters(iot);
  t.ok(characters < maxIotPolicyCharacters, `${characters} characters`);
});

void t.test('a pattern that cannot be read is an error', async (t) => {
  t.throws(() => leastPolicies({ ...options, uplinkPattern: 'up/{unknown}' }), { message: /unknown keyword/ });
});

void t.test('where the account is: from the certificate, the configuration or the endpoint; * where nobody knows', async (t) => {
  const certificateArn = `arn:aws-cn:iot:cn-north-1:123456789012:cert/${'a'.repeat(64)}`;
  t.strictSame(placeOf({ certificateArn, region: 'eu-west-1' }), { region: 'cn-north-1', account: '123456789012' });
  t.strictSame(placeOf({ region: 'eu-west-1', host: 'localhost' }), { region: 'eu-west-1', account: undefined });
  t.strictSame(placeOf({ host: 'a1b2-ats.iot.us-gov-west-1.amazonaws.com' }), { region: 'us-gov-west-1', account: undefined });
  t.equal(iotArn(placeOf({ certificateArn }), 'client/a'), 'arn:aws-cn:iot:cn-north-1:123456789012:client/a');
  t.equal(iotArn({ region: 'us-gov-west-1' }, 'client/a'), 'arn:aws-us-gov:iot:us-gov-west-1:*:client/a');
  t.equal(iotArn({}, 'client/a'), 'arn:aws:iot:*:*:client/a');
});

void t.test('the topic of the probe', async (t) => {
  t.equal(probeTopicOf('tpx/things/{DevEUI}/uplink'), 'tpx/things/LPWANBRIDGEPROBE/uplink');
  t.equal(probeTopicOf("{'factory'|application}/{devEui}/{deviceId}/{FPort}/{type}/{$.device.tags.site}"), 'factory/lpwanbridgeprobe/lpwanbridgeprobe/1/uplink/probe');
});
