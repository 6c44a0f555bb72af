import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { alarmWindow, type AlarmConfig } from '../../src/config/alarms.js';
import { certificateFingerprint } from '../../src/config/certificates.js';
import { awsCredentialsOf } from '../../src/config/connection-credentials.js';
import { registryOf } from '../../src/config/connection-things.js';
import type { ConnectionConfig } from '../../src/config/connection.js';
import { endpointOf, endpointRegion, regionOf } from '../../src/config/endpoint.js';
import { problemLine } from '../../src/config/problem.js';
import { readResource } from '../../src/config/read-resource.js';
import { createTestCertificates } from '../support/certificates.js';
import { thingParkConnection } from './thingpark-connection.js';

const certificates = await createTestCertificates();
const fingerprint = certificateFingerprint(new X509Certificate(certificates.cert));

const read = (configuration: object, connectorId = 'aws-iot'): ConnectionConfig => {
  const reading = readResource('connection', { id: 'main', connectorId, configuration });
  if (!reading.ok) throw new Error(reading.problems.map(problemLine).join('\n'));
  return reading.config;
};

const login = { certificate: certificates.cert, privateKey: certificates.key };
const keys = { accessKeyId: 'AKIA', secretAccessKey: 'secret' };

void t.test('where a connection leads', async (t) => {
  t.same(endpointOf(read({ ...keys, endpoint: 'localhost', region: 'eu-west-1', protocol: 'WSS' }).configuration), { host: 'localhost', port: 443 });
  t.same(endpointOf(read({ ...login, endpoint: 'localhost' }).configuration), { host: 'localhost', port: 8883 });
  t.same(endpointOf(read({ ...keys, endpoint: 'localhost:9443', region: 'eu-west-1', protocol: 'WSS' }).configuration), { host: 'localhost', port: 9443 });
  t.same(endpointOf(read({ ...login, endpoint: 'localhost:1', accountPrefix: 'abc-ats', region: 'eu-west-1' }).configuration), { host: 'localhost', port: 1 }, 'the endpoint wins over the prefix');
});

void t.test('the region in the names of AWS', async (t) => {
  const rows: [host: string, region: string | undefined][] = [
    ['abc-ats.iot.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['ABC-ats.iot.EU-WEST-1.amazonaws.com', 'eu-west-1'],
    ['abc.ats.iot.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['iot.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['iot-fips.us-east-1.amazonaws.com', 'us-east-1'],
    ['iot.eu-west-1.api.aws', 'eu-west-1'],
    ['vpce-0a1b-2c.data.iot.eu-west-1.vpce.amazonaws.com', 'eu-west-1'],
    ['abc-ats.iot.eu-west-1.amazonaws.com.example.org', undefined],
    ['iot.eu-west-1.example.org', undefined],
    ['xiot.eu-west-1.amazonaws.com', undefined],
    ['localhost', undefined],
  ];
  for (const [host, region] of rows) t.equal(endpointRegion(host), region, host);
  t.equal(regionOf({ region: 'eu-west-3', endpoint: { host: 'localhost' } }), 'eu-west-3');
  t.equal(regionOf({ endpoint: { host: 'localhost' }, registryEndpoint: 'https://iot.eu-west-1.amazonaws.com/' }), 'eu-west-1');
  t.equal(regionOf({ endpoint: { host: 'localhost' }, registryEndpoint: 'http://127.0.0.1:4433' }), undefined);
});

void t.test('AWS credentials', async (t) => {
  t.equal(awsCredentialsOf(read({ ...login, endpoint: 'localhost' }).configuration), undefined);
  t.same(awsCredentialsOf(read({ ...login, ...keys, endpoint: 'localhost', region: 'eu-west-1' }).configuration), { region: 'eu-west-1', from: { kind: 'access-key', ...keys } });
  const assumeRole = { roleArn: 'arn:aws:iam::123456789012:role/lpwan', externalId: 'customer-1', endpoint: 'http://127.0.0.1:4434' };
  t.same(awsCredentialsOf(read({ ...login, endpoint: 'x.iot.eu-west-1.amazonaws.com', credentials: 'provider-chain', assumeRole }).configuration), {
    region: 'eu-west-1',
    from: { kind: 'provider-chain' },
    assumeRole: { ...assumeRole, sessionName: 'lpwan-bridge' },
  });
});

void t.test('registration', async (t) => {
  t.equal(registryOf(read({ ...login, endpoint: 'localhost' }).configuration), undefined, 'nothing is registered without AWS credentials');
  const seed = read(thingParkConnection(certificates).configuration, 'actility-aws-iot');
  t.same(registryOf(seed.configuration), {
    region: 'eu-west-1',
    credentials: { region: 'eu-west-1', from: { kind: 'access-key', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'marker-secret-access-key' } },
    createDevices: true,
    required: false,
    thingName: '{DevEUI}',
    attributes: {},
    thingType: 'lorawan-device',
    ownerAttribute: 'managedBy',
    owner: 'lpwan-bridge',
    takeOver: false,
    requestsPerSecond: 20,
    principal: { certificateId: fingerprint },
  });
});

void t.test('registration at a stand-in, with everything written', async (t) => {
  const arn = `arn:aws:iot:eu-west-1:123456789012:cert/${fingerprint}`;
  const things = { name: 'tts_{deviceName|DevEUI}', attributes: { application: '{application}' }, group: 'g', billingGroup: 'b', ownerAttribute: 'o', owner: 'me', takeOver: true, requestsPerSecond: '7' };
  const { configuration } = read({ ...login, ...keys, endpoint: 'localhost', region: 'eu-west-1', caCertificate: certificates.ca, registryEndpoint: 'https://localhost:4433', certificateId: arn, createDevices: false, registration: 'required', things });
  t.match(registryOf(configuration), {
    endpoint: 'https://localhost:4433', ca: certificates.ca, createDevices: false, required: true, thingName: things.name, attributes: things.attributes, group: 'g', billingGroup: 'b',
    ownerAttribute: 'o', owner: 'me', takeOver: true, requestsPerSecond: 7, principal: { certificateId: fingerprint, arn },
  });
  const wss = read({ ...keys, endpoint: 'localhost', region: 'eu-west-1', protocol: 'WSS' });
  t.notOk(Object.hasOwn(registryOf(wss.configuration) ?? {}, 'principal'), 'without a certificate there is nothing to attach to');
  t.match(registryOf(read({ ...keys, endpoint: 'localhost', region: 'eu-west-1', protocol: 'WSS', certificateId: arn }).configuration), { principal: { certificateId: fingerprint, arn } });
});

const window = (alarm: object) => {
  const reading = readResource('connection', { id: 'main', connectorId: 'aws-iot', alarms: [{ uplinkRateMinPerHour: 10, ...alarm }], configuration: { ...login, endpoint: 'localhost' } });
  if (!reading.ok) throw new Error(reading.problems.map(problemLine).join('\n'));
  return alarmWindow(reading.config.alarms[0] as AlarmConfig);
};

void t.test('windows of alarms', async (t) => {
  const allDays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
  t.same(window({ startTime: '08:00', endTime: '18:30' }), { startMinute: 480, endMinute: 1_110, timezone: 'UTC', days: allDays });
  t.same(window({ startTime: '22:00:00', endTime: '06:00' }), { startMinute: 1_320, endMinute: 360, timezone: 'UTC', days: allDays }, 'over midnight');
  t.match(window({ startTime: '00:00', endTime: '24:00' }), { startMinute: 0, endMinute: 1_440 });
  t.match(window({ startTime: '24:00', endTime: '00:00' }), { startMinute: 0, endMinute: 1_440 });
  t.same(window({ startTime: '08:00', endTime: '18:00', recurrence: [{ byDays: ['Sunday', 'mo'] }, { frequency: 'WEEKLY', byDays: ['SU'] }] }).days, ['MO', 'SU']);
  const [timezone, day] = ['Europe/Paris', '2019-01-31'];
  t.match(window({ timezone, startTime: `${day}T09:00:00+01:00`, endTime: `${day}T18:00:00+01:00` }), { startMinute: 540, endMinute: 1_080, timezone });
  t.match(window({ timezone, startTime: `${day}T08:00:00Z`, endTime: `${day}T17:00:00.000Z` }), { startMinute: 540, endMinute: 1_080 }, 'whatever the offset, the clock of the zone counts');
});
