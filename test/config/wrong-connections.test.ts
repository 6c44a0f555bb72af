import t from 'tap';
import { createTestCertificates } from '../support/certificates.js';
import { checkWrongConfigs, minimal, withSettings, type WrongConfig } from './config-folder.js';

const settings = 'connections[0].configuration';
const keys = ['accessKeyId: A', 'secretAccessKey: S'];
const region = 'region: eu-west-1';
const without = (yaml: string, ...parts: string[]): string => yaml.split('\n').filter((line) => !parts.some((part) => line.includes(part))).join('\n');
const long = (length: number): string => 'x'.repeat(length);
const credentialsNeeded = 'needs AWS credentials: accessKeyId and secretAccessKey, or credentials: provider-chain';

const addresses: WrongConfig[] = [
  { name: 'a prefix without -ats', yaml: without(withSettings('accountPrefix: abc', region), 'endpoint:'), problems: [`${settings}.accountPrefix: must end in -ats (in cn-north-1 in .ats): the endpoint without it is the old one, whose certificate is no longer trusted`] },
  { name: 'the prefix of Beijing elsewhere', yaml: without(withSettings('accountPrefix: abc.ats', region), 'endpoint:'), problems: [`${settings}.accountPrefix: must end in -ats; only in cn-north-1 it ends in .ats`] },
  { name: 'the prefix of Beijing there', yaml: without(withSettings('accountPrefix: abc.ats', 'region: cn-north-1'), 'endpoint:'), problems: [] },
  { name: 'another region than that of the endpoint', yaml: withSettings(region).replace('localhost:8883', 'abc-ats.iot.eu-central-1.amazonaws.com'), problems: [`${settings}.region: differs from the region eu-central-1 of endpoint`] },
  { name: 'the protocol', yaml: withSettings('protocol: TCP'), problems: [`${settings}.protocol: must be one of SSL, WSS`] },
  { name: 'the port of MQTT for WSS', yaml: withSettings('protocol: WSS', 'port: 8883', region, ...keys).replace('localhost:8883', 'localhost'), problems: [`${settings}.port: must be 443 with protocol WSS; any other port is written in endpoint`] },
  { name: 'a registry that is no URL', yaml: withSettings('registryEndpoint: localhost:4433'), problems: [`${settings}.registryEndpoint: must be a URL of http or https`] },
  { name: 'credentials in the address of the registry', yaml: withSettings('registryEndpoint: "http://u:p@localhost"'), problems: [`${settings}.registryEndpoint: must not hold credentials; use accessKeyId`] },
];

const roles = [
  `${settings}.assumeRole.roleArn: must be the ARN of a role`,
  `${settings}.assumeRole.externalId: must be 2 to 1024 letters, digits and characters of +=,.@:/-_`,
  `${settings}.assumeRole.sessionName: must be 2 to 64 letters, digits and characters of +=,.@-_`,
  `${settings}.assumeRole.endpoint: must be a URL of http or https`,
];

const credentials: WrongConfig[] = [
  { name: 'keys without a region', yaml: withSettings(...keys), problems: [`${settings}.region: is required to sign requests to AWS: the name of the endpoint does not tell it`] },
  { name: 'a registry elsewhere without a region', yaml: withSettings('credentials: provider-chain', 'registryEndpoint: "https://registry.example.com"'), problems: [`${settings}.region: is required to sign requests to AWS: the name of the endpoint does not tell it`] },
  { name: 'keys with an endpoint that tells the region', yaml: withSettings(...keys).replace('localhost:8883', 'abc-ats.iot.eu-central-1.amazonaws.com'), problems: [] },
  { name: 'a secret alone', yaml: withSettings('secretAccessKey: S'), problems: [`${settings}.accessKeyId: is required with secretAccessKey`] },
  { name: 'access-key without keys', yaml: withSettings('credentials: access-key'), problems: [`${settings}.accessKeyId: is required with credentials: access-key`, `${settings}.secretAccessKey: is required with credentials: access-key`] },
  { name: 'the chain and keys', yaml: withSettings('credentials: provider-chain', region, ...keys), problems: [`${settings}.accessKeyId: must be left out with credentials: provider-chain`, `${settings}.secretAccessKey: must be left out with credentials: provider-chain`] },
  { name: 'another source', yaml: withSettings('credentials: vault'), problems: [`${settings}.credentials: must be one of access-key, provider-chain`] },
  { name: 'a role without credentials', yaml: withSettings('assumeRole: { roleArn: "arn:aws:iam::123456789012:role/x" }'), problems: [`${settings}.assumeRole: ${credentialsNeeded}`] },
  { name: 'a role', yaml: withSettings('assumeRole: { roleArn: x, externalId: "a b", sessionName: y, endpoint: sts }', region, ...keys), problems: roles },
  { name: 'a role without its ARN', yaml: withSettings('assumeRole: {}', region, ...keys), problems: [`${settings}.assumeRole.roleArn: is required`] },
  { name: 'WSS without credentials', yaml: without(withSettings('protocol: WSS'), 'certs/bridge'), problems: [`${settings}.protocol: ${credentialsNeeded}`] },
  { name: 'WSS without a certificate', yaml: without(withSettings('protocol: WSS', region, ...keys), 'certs/bridge'), problems: [] },
  { name: 'WSS with half a pair', yaml: without(withSettings('protocol: WSS', region, ...keys), 'privateKey'), problems: [] },
  { name: 'a key for signing downlinks alone', yaml: withSettings('downlinkAsKey: k'), problems: [`${settings}.downlinkAsId: is required with downlinkAsKey`] },
  { name: 'an id for signing downlinks alone', yaml: withSettings('downlinkAsId: i'), problems: [`${settings}.downlinkAsKey: is required with downlinkAsId`] },
];

const attributes = (count: number): string => `{ ${Array.from({ length: count }, (_, index) => `a${index}: "{type}"`).join(', ')} }`;

const things: WrongConfig[] = [
  { name: 'registration', yaml: withSettings('registration: later', 'createDevices: sometimes'), problems: [`${settings}.createDevices: must be true or false`, `${settings}.registration: must be one of beside, required`] },
  { name: 'required without credentials', yaml: withSettings('registration: required'), problems: [`${settings}.registration: ${credentialsNeeded}`] },
  { name: 'values', yaml: withSettings('things: { group: "a b", billingGroup: "", ownerAttribute: "a b", owner: "a b", takeOver: 1, requestsPerSecond: 0, colour: red }'), problems: [
    `${settings}.things.colour: unknown key`,
    `${settings}.things.group: must be 1 to 128 letters, digits, colons, dashes and underscores`,
    `${settings}.things.billingGroup: must not be empty`,
    `${settings}.things.ownerAttribute: must be 1 to 128 letters, digits and characters of _.,@/:#-`,
    `${settings}.things.owner: must be 1 to 800 letters, digits and characters of _.,@/:#=[]-`,
    `${settings}.things.takeOver: must be true or false`,
    `${settings}.things.requestsPerSecond: must be a whole number from 1 to 100`,
  ] },
  ...([
    ['things', 'must hold a keyword such as {DevEUI}: each device has a thing of its own'],
    ['a/{DevEUI}', 'may hold only letters, digits, colons, dashes and underscores beside its keywords'],
    ["{deviceName|'no name'}", 'may hold only letters, digits, colons, dashes and underscores beside its keywords'],
    ['{DevEui}', 'at character 2: unknown keyword {DevEui}; did you mean {DevEUI}?'],
    [`${long(128)}{DevEUI}`, 'makes names of over 128 characters'],
    [`${long(512)}{DevEUI}`, 'must be at most 512 characters'],
  ] as const).map(([pattern, problem]) => ({ name: `the name ${pattern.slice(0, 20)}`, yaml: withSettings(`things: { name: "${pattern}" }`), problems: [`${settings}.things.name: ${problem}`] })),
  ...([
    ['[a]', 'must be a mapping of names to patterns'],
    ['{ "a b": x }', 'must have names of 1 to 128 letters, digits and characters of _.,@/:#-'],
    ['{ a: "x y" }', 'may hold only letters, digits and characters of _.,@/:#=[]- beside its keywords'],
    ['{ a: 1 }', 'must be text: put it in quotes'],
    ['{ managedBy: x }', 'must not name the attribute of ownership'],
    [attributes(3), 'must have at most 2 entries without deviceType: AWS takes 3, and one is for ownership'],
    [attributes(51), 'must have at most 50 entries'],
  ] as const).map(([written, problem]) => ({ name: `the attributes ${written.slice(0, 20)}`, yaml: withSettings(`things: { attributes: ${written} }`), problems: [`${settings}.things.attributes: ${problem}`] })),
  { name: 'the attributes of a thing with a type', yaml: withSettings('deviceType: lora', `things: { attributes: ${attributes(49)} }`), problems: [] },
  { name: 'too many attributes of a thing with a type', yaml: withSettings('deviceType: lora', `things: { attributes: ${attributes(50)} }`), problems: [`${settings}.things.attributes: must have at most 49 entries: AWS takes 50, and one is for ownership`] },
];

const publishing: WrongConfig[] = [
  { name: 'forms of ThingPark X elsewhere', yaml: withSettings('sendMetadata: true', 'sendRawDecodedFormat: true'), problems: [`${settings}.sendMetadata: is for connectorId actility-aws-iot only`, `${settings}.sendRawDecodedFormat: is for connectorId actility-aws-iot only`] },
  { name: 'forms of ThingPark X of another form', yaml: withSettings('sendMetadata: true', 'payloadFormat: decoded').replace('aws-iot', 'actility-aws-iot'), problems: [`${settings}.sendMetadata: needs payloadFormat: original`] },
  { name: 'values', yaml: withSettings('expiredUplinks: keep', 'reconnectStrategy: EAGER', 'description: ""', 'sendMetadata: maybe'), problems: [`${settings}.description: must not be empty`, `${settings}.sendMetadata: must be true or false`, `${settings}.expiredUplinks: must be one of drop, park`, `${settings}.reconnectStrategy: must be one of CALM, NORMAL, AGGRESSIVE`] },
];

const withAlarm = (alarm: string): string => minimal.replace('connectorId:', `alarms: [${alarm}]\n    connectorId:`);
const alarm = 'connections[0].alarms[0]';

const alarms: WrongConfig[] = [
  { name: 'no list', yaml: minimal.replace('connectorId:', 'alarms: {}\n    connectorId:'), problems: ['connections[0].alarms: must be a list'] },
  { name: 'empty', yaml: withAlarm('{}'), problems: [`${alarm}.startTime: is required`, `${alarm}.endTime: is required`, `${alarm}.uplinkRateMinPerHour: is required`] },
  { name: 'values', yaml: withAlarm(`{ startTime: "8:00", endTime: "2019-02-31T25:00:00Z", timezone: Mars/Olympus, recurrence: [{ frequency: daily, byDays: [MO, someday] }], uplinkRateMinPerHour: 0, message: "" }`), problems: [
    `${alarm}.startTime: must be a time of day such as '08:00', or a date and time with its offset`,
    `${alarm}.endTime: must be a time of day such as '08:00', or a date and time with its offset`,
    `${alarm}.timezone: must be a time zone such as Europe/Paris or UTC`,
    `${alarm}.recurrence[0].frequency: must be weekly`,
    `${alarm}.recurrence[0].byDays: entry 2 must be one of MO, TU, WE, TH, FR, SA, SU, or an English name of a day`,
    `${alarm}.uplinkRateMinPerHour: must be a number over 0 and up to 1000000000`,
    `${alarm}.message: must not be empty`,
  ] },
  { name: 'no days', yaml: withAlarm('{ startTime: "08:00", endTime: "18:00", recurrence: [{ byDays: [] }], uplinkRateMinPerHour: 1 }'), problems: [`${alarm}.recurrence[0].byDays: must not be empty`] },
  { name: 'no time at all', yaml: withAlarm('{ startTime: "08:00", endTime: "08:00", uplinkRateMinPerHour: 1 }'), problems: [`${alarm}.endTime: is the same as startTime; a whole day is 00:00 to 24:00`] },
];

const lengths: WrongConfig[] = [
  { name: 'a name', yaml: minimal.replace('connectorId:', `name: ${long(201)}\n    connectorId:`), problems: ['connections[0].name: must be at most 200 characters'] },
  { name: 'texts and secrets', yaml: withSettings(`description: ${long(1025)}`, `accessKeyId: ${long(129)}`, `secretAccessKey: ${long(1025)}`, `downlinkAsId: ${long(1025)}`, `downlinkAsKey: ${long(1024)}`), problems: [`${settings}.description: must be at most 1024 characters`, `${settings}.accessKeyId: must be at most 128 characters`, `${settings}.secretAccessKey: must be at most 1024 characters`, `${settings}.downlinkAsId: must be at most 1024 characters`, `${settings}.region: is required to sign requests to AWS: the name of the endpoint does not tell it`] },
  { name: 'PEM', yaml: withSettings(`certificate: ${long(65_537)}`, `privateKey: ${long(65_537)}`, `caCertificate: ${long(65_537)}`).split('\n').filter((line) => !line.includes('_file')).join('\n'), problems: ['certificate', 'privateKey', 'caCertificate'].map((key) => `${settings}.${key}: must be at most 65536 characters`) },
  { name: 'topic patterns', yaml: withSettings(`uplinkTopicPattern: "${long(513)}"`, `downlinkTopicPattern: "${long(513)}"`, `topicPatterns: { join: "${long(513)}" }`), problems: ['uplinkTopicPattern', 'downlinkTopicPattern', 'topicPatterns.join'].map((key) => `${settings}.${key}: must be at most 512 characters`) },
  { name: 'lists', yaml: withAlarm(`{ startTime: "08:00", endTime: "18:00", uplinkRateMinPerHour: 1 }, `.repeat(1_001)), problems: ['connections[0].alarms: must have at most 1000 entries'] },
  { name: 'lists of values', yaml: `ingress: { trustedProxies: [${'10.0.0.1, '.repeat(1_001)}] }\n`, problems: ['ingress.trustedProxies: must have at most 1000 entries'] },
];

const certificates = await createTestCertificates();
const tables = { addresses, credentials, things, publishing, alarms, lengths };
for (const [table, rows] of Object.entries(tables)) void t.test(table, async (t) => checkWrongConfigs(t, certificates, rows));
