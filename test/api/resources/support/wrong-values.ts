import type { ResourceKind } from '../../../../src/api/ports.js';

type WrongValues = Readonly<Record<string, readonly unknown[]>>;

const id = ['with space', '-first', 'a/b', 'x'.repeat(33), '', 7];
const name = ['', '  ', 5, 'x'.repeat(201)];
const text = ['', 5, 'x'.repeat(1_025)];
const secret = ['', 5, true, 'x'.repeat(1_025)];
const flag = ['yes', 1, 'TRUE'];
const duration = ['10', 10, '1 fortnight', '-1s', '0ms', '99999d'];
const pem = ['', 'no pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 5, 'x'.repeat(65_537)];
const url = ['', 'localhost', 'ftp://localhost/', 'http://user:password@localhost/', 5, `http://localhost/${'x'.repeat(1_025)}`];
const pattern = ['', '{Unknown}', '{DevEUI', 5, `${'x'.repeat(257)}/{DevEUI}`];
const integer = (min: number, max: number): unknown[] => [min - 1, max + 1, 1.5, 'many', '', true];
const thingText = ['', 'with space', 5, 'x'.repeat(129)];
const list = (...wrong: unknown[]): unknown[] => ['text', 5, ...wrong, Array.from({ length: 1_001 }, () => wrong[0])];

const connection: WrongValues = {
  id,
  connectorId: ['mqtt', '', 5, 'aws_iot'],
  name,
  active: flag,
  'alarms[0].startTime': ['8 o’clock', '25:00', 8, ''],
  'alarms[0].endTime': ['8 o’clock', '24:01', 8, ''],
  'alarms[0].timezone': ['Mars/Olympus', 1, ''],
  'alarms[0].recurrence[0].frequency': ['daily', 5, ''],
  'alarms[0].recurrence[0].byDays': list(['XX'], [5], []),
  'alarms[0].uplinkRateMinPerHour': [0, -1, 'few', 1e12, true],
  'alarms[0].message': text,
  'configuration.description': text,
  'configuration.endpoint': ['https://localhost', 'host/path', 'host:99999', '', 5],
  'configuration.accountPrefix': ['a1b2c3d4e5f6g7', 'with space-ats', 'a.b.c', '', 5],
  'configuration.region': ['Paris', 'eu-west', '', 5],
  'configuration.protocol': ['TCP', 'ssl', '', 5],
  'configuration.port': [1883, '8884', 0, '', true],
  'configuration.registryEndpoint': url,
  'configuration.certificate': pem,
  'configuration.privateKey': pem,
  'configuration.caCertificate': pem,
  'configuration.certificateId': ['arn:aws:iot:eu-west-1:1:cert/00', 'abc', '', 5],
  'configuration.accessKeyId': ['', 5, 'x'.repeat(129)],
  'configuration.secretAccessKey': secret,
  'configuration.credentials': ['environment', '', 5],
  'configuration.assumeRole.roleArn': ['role', 'arn:aws:iam::1:role/x', '', 5],
  'configuration.assumeRole.externalId': ['x', 'with space', '', 5, 'x'.repeat(1_225)],
  'configuration.assumeRole.sessionName': ['x', 'with space', '', 5, 'x'.repeat(65)],
  'configuration.assumeRole.endpoint': url,
  'configuration.createDevices': flag,
  'configuration.registration': ['never', '', 5],
  'configuration.deviceType': thingText,
  'configuration.things.name': ['', 'without-a-keyword', '{Unknown}', 5, `{DevEUI}${'x'.repeat(1_100)}`],
  'configuration.things.attributes': ['text', [], { 'with space': 'x' }, { a: 5 }, { a: '{Unknown}' }],
  'configuration.things.group': thingText,
  'configuration.things.billingGroup': thingText,
  'configuration.things.ownerAttribute': thingText,
  'configuration.things.owner': ['', 'with space', 5, 'x'.repeat(801)],
  'configuration.things.takeOver': flag,
  'configuration.things.requestsPerSecond': integer(1, 100),
  'configuration.uplinkTopicPattern': pattern,
  'configuration.downlinkTopicPattern': ['', '{DevEUI', 5, 'x'.repeat(257)],
  'configuration.topicPatterns.join': pattern,
  'configuration.topicPatterns.location': pattern,
  'configuration.topicPatterns.status': pattern,
  'configuration.topicPatterns.downlink-status': pattern,
  'configuration.topicPatterns.alarm': pattern,
  'configuration.payloadFormat': ['xml', '', 5],
  'configuration.sendMetadata': flag,
  'configuration.sendRawDecodedFormat': flag,
  'configuration.mqttVersion': ['4', 3, ''],
  'configuration.clientIdPrefix': ['', 'with space', 'x'.repeat(65), 5],
  'configuration.downlinkEnabled': flag,
  'configuration.downlinksPerSecond': integer(1, 10_000),
  'configuration.downlinkPort': integer(1, 223),
  'configuration.downlinkAsId': text,
  'configuration.downlinkAsKey': secret,
  'configuration.downlinkValidity': duration,
  'configuration.downlinkNetworkServer': id,
  'configuration.sharedSubscription': flag,
  'configuration.maxClients': integer(1, 10),
  'configuration.publishesPerSecondPerClient': integer(0, 100_000),
  'configuration.bytesPerSecondPerClient': ['many', '1 parsec', '2GB', -1],
  'configuration.publishesPerSecond': integer(0, 100_000),
  'configuration.inFlightPerClient': integer(1, 100),
  'configuration.publishTimeout': duration,
  'configuration.connectTimeout': duration,
  'configuration.keepAlive': duration,
  'configuration.uplinkTimeValidity': duration,
  'configuration.expiredUplinks': ['keep', '', 5],
  'configuration.reconnectStrategy': ['WILD', 'calm', '', 5],
  'configuration.reconnect.min': duration,
  'configuration.reconnect.max': duration,
  'configuration.idleTimeout': duration,
};

const networkServer: WrongValues = {
  id,
  kind: ['loriot', '', 5],
  'authenticate.none': [false, 'yes', 1],
  'authenticate.header.name': ['with space', '', 5],
  'authenticate.header.value': secret,
  'authenticate.basic.username': ['with:colon', '', 5],
  'authenticate.basic.password': secret,
  'authenticate.bearer': secret,
  'authenticate.token.key': secret,
  'authenticate.token.asId': text,
  'authenticate.token.strict': flag,
  'authenticate.sources': list(['everywhere'], [5], ['192.0.2.0/33']),
  'downlink.url': url,
  'downlink.apiToken': secret,
  'downlink.api': ['v5', '', 5],
  'downlink.asId': text,
  'downlink.asKey': secret,
  'downlink.applicationId': ['With-Capitals', 'x', '', 5],
  'downlink.webhookId': ['With-Capitals', 'x', '', 5],
  'downlink.allowedHosts': list(['https://host'], [5]),
  'downlink.mailbox': ['largest', '', 5],
  'downlink.timeout': duration,
  'downlink.attempts': integer(1, 1_000),
  'downlink.backoff.min': duration,
  'downlink.backoff.max': duration,
  'downlink.onUnknown': ['guess', '', 5],
  'downlink.caCertificate': pem,
  'downlink.proxy': ['', 'localhost', 'socks://localhost', 5],
  fields: ['text', [], { data: 5 }, { data: '' }],
  batchPattern: text,
};

const flow: WrongValues = {
  id,
  name,
  active: flag,
  networkServers: list(['with space'], [5], []),
  'matchers[0].tags': list([''], [5], []),
  'matchers[0].devices': list(['not hex'], [5], ['02-01'], ['01-0002'], []),
  'matchers[0].applications': list([''], [5], []),
  'matchers[0].fPorts': list([256], [-1], ['20-10'], ['x'], []),
  'matchers[0].types': list(['downlink'], [5], []),
  connections: list(['with space'], [5], []),
  uplinkTimeValidity: duration,
};

/** Values that each key must refuse, beside those of a wrong type. */
export const wrongValues: Readonly<Record<ResourceKind, WrongValues>> = { connection, 'network-server': networkServer, flow };
