import { iotArn, type AwsPlace } from './arn.js';
import { isBasicIngest, policyTopicOf, probeTopicOf } from './probe-topic.js';
import { sharedFilter } from './subscriber-options.js';

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** A policy in AWS's JSON. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** What the registration of devices needs to be allowed. */
export interface RegistrationNeeds {
  /** False: things are only looked up. */
  readonly create: boolean;
  /** Pattern of the things' names. */
  readonly thingName: string;
  readonly deviceType?: string | undefined;
  readonly group?: string | undefined;
  readonly billingGroup?: string | undefined;
  /** Things may have to be changed: they are taken over, or get a type or attributes that they lack. */
  readonly update: boolean;
  /** The certificate that things are attached to; absent where there is none. */
  readonly certificate?: { readonly id: string; readonly arnKnown: boolean } | undefined;
}

export interface PolicyOptions {
  readonly place: AwsPlace;
  readonly auth: 'certificate' | 'sigv4';
  /** Start of all client ids of the connection; may hold `*`, where several replicas share the policy. */
  readonly clientIdPrefix: string;
  /** Pattern of uplinks. */
  readonly uplinkPattern: string;
  /** Patterns of the other types of messages. */
  readonly otherPatterns: readonly string[];
  /** Absent: the connection takes no downlinks. */
  readonly downlinks?: { readonly filter: string; readonly shareName?: string | undefined } | undefined;
  readonly registration?: RegistrationNeeds | undefined;
  /** Whether `check` is to be allowed too: its probe topic, probe thing and the endpoint. Default true. */
  readonly check?: boolean;
}

export interface LeastPolicies {
  /** For the certificate; absent where the connection proves itself with AWS credentials. */
  readonly iot?: PolicyDocument;
  /** For the AWS credentials, or the role that they assume; absent where none are needed. */
  readonly iam?: PolicyDocument;
}

/** An IoT policy may be so long, white space not counted (AWS IoT Core quotas, "Maximum policy document size"). */
export const maxIotPolicyCharacters = 2_048;

export const policyCharacters = (document: PolicyDocument): number => JSON.stringify(document).replace(/\s/g, '').length;

const allow = (action: string | readonly string[], resources: readonly string[], sid?: string): PolicyStatement => {
  const unique = [...new Set(resources)];
  return { ...(sid === undefined ? {} : { Sid: sid }), Effect: 'Allow', Action: action, Resource: unique.length === 1 ? (unique[0] ?? '') : unique };
};

const documentOf = (statements: readonly PolicyStatement[]): PolicyDocument | undefined => (statements.length === 0 ? undefined : { Version: '2012-10-17', Statement: statements });

/** In a policy `+` and `#` stand for themselves in a filter; the topics that they match are written with `*`. */
const topicsOfFilter = (filter: string): string => filter.replace(/[+#]/g, '*');

/** What the sessions do. A shared subscription is named in both forms: AWS does not say which one it asks for. */
const sessionStatements = ({ place, clientIdPrefix, uplinkPattern, otherPatterns, downlinks, check = true }: PolicyOptions): PolicyStatement[] => {
  const arn = (kind: string) => (name: string) => iotArn(place, `${kind}/${name}`);
  const publishing = [allow('iot:Connect', [arn('client')(`${clientIdPrefix}-*`)]), allow('iot:Publish', [uplinkPattern, ...otherPatterns].map(policyTopicOf).map(arn('topic')))];
  if (downlinks === undefined) return publishing;
  const { filter, shareName } = downlinks;
  const probe = probeTopicOf(uplinkPattern);
  const probes = check && !isBasicIngest(probe) ? [probe] : [];
  const topics = topicsOfFilter(filter);
  const shared = shareName === undefined ? { filters: [], topics: [] } : { filters: [sharedFilter(shareName, filter)], topics: [sharedFilter(shareName, topics)] };
  return [...publishing, allow('iot:Subscribe', [filter, ...shared.filters, ...probes].map(arn('topicfilter'))), allow('iot:Receive', [topics, ...shared.topics, ...probes].map(arn('topic')))];
};

/** Names of the probe things of `check`. */
const probeThings = 'lpwan-bridge-probe*';

const createStatements = (place: AwsPlace, { create, thingName, deviceType, group, billingGroup, update, certificate }: RegistrationNeeds): PolicyStatement[] => {
  const things = iotArn(place, `thing/${policyTopicOf(thingName)}`);
  const look = allow(create ? ['iot:DescribeThing', 'iot:CreateThing', ...(update ? ['iot:UpdateThing'] : [])] : 'iot:DescribeThing', [things, ...(create && billingGroup !== undefined ? [iotArn(place, `billinggroup/${billingGroup}`)] : [])], 'Things');
  if (!create) return [look];
  const certificateArn = certificate === undefined ? '' : iotArn(place, `cert/${certificate.id}`);
  return [
    look,
    ...(certificate === undefined ? [] : [allow(certificate.arnKnown ? 'iot:AttachThingPrincipal' : ['iot:AttachThingPrincipal', 'iot:DescribeCertificate'], [certificateArn], 'Certificate')]),
    ...(deviceType === undefined ? [] : [allow('iot:CreateThingType', [iotArn(place, `thingtype/${deviceType}`)], 'ThingType')]),
    ...(group === undefined ? [] : [allow('iot:AddThingToThingGroup', [things, iotArn(place, `thinggroup/${group}`)], 'ThingGroup')]),
  ];
};

/** What `check` and `things sync` need beyond it. */
const checkStatements = (place: AwsPlace, { create, deviceType, certificate }: RegistrationNeeds): PolicyStatement[] => [
  allow(['iot:DescribeEndpoint', 'iot:ListThings'], ['*'], 'CheckAndSync'),
  allow(create ? ['iot:DescribeThing', 'iot:CreateThing', 'iot:DeleteThing'] : 'iot:DescribeThing', [iotArn(place, `thing/${probeThings}`)], 'ProbeThing'),
  ...(create && certificate !== undefined ? [allow('iot:DetachThingPrincipal', [iotArn(place, `cert/${certificate.id}`)], 'ProbePrincipal')] : []),
  ...(deviceType === undefined ? [] : [allow('iot:DescribeThingType', [iotArn(place, `thingtype/${deviceType}`)], 'CheckThingType')]),
];

const registrationStatements = ({ place, registration, check = true }: PolicyOptions): PolicyStatement[] =>
  registration === undefined ? [] : [...createStatements(place, registration), ...(check ? checkStatements(place, registration) : [])];

/**
 * The least that exactly this configuration needs to be allowed. A certificate is judged by the IoT policy attached to it; a
 * session signed with AWS credentials by their IAM policy, with the same actions and resources.
 * With `check`, one topic more may be subscribed to and received: that of the probe. @throws BridgeError config_invalid for a pattern that cannot be read
 */
export const leastPolicies = (options: PolicyOptions): LeastPolicies => {
  const sessions = sessionStatements(options);
  const registration = registrationStatements(options);
  const iot = options.auth === 'certificate' ? documentOf(sessions) : undefined;
  const iam = documentOf(options.auth === 'sigv4' ? [...sessions, ...registration] : registration);
  return { ...(iot === undefined ? {} : { iot }), ...(iam === undefined ? {} : { iam }) };
};
