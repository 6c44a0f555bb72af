import type { TestCertificates } from '../support/certificates.js';

/** A connection with every key that ThingPark X IoT Flow's own documentation shows for AWS. */
export const thingParkConnection = ({ cert, key }: Pick<TestCertificates, 'cert' | 'key'>) => ({
  connectorId: 'actility-aws-iot',
  name: 'Test AWS Connection',
  active: true,
  alarms: [
    {
      startTime: '2019-01-31T09:00:00+01:00',
      endTime: '2019-01-31T18:00:00+01:00',
      timezone: 'Europe/Paris',
      recurrence: [{ frequency: 'weekly', byDays: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] }],
      uplinkRateMinPerHour: 10,
      message: 'Low rate during business day...',
    },
  ],
  configuration: {
    description: 'AWS Europe Datacenter',
    createDevices: true,
    sendMetadata: false,
    sendRawDecodedFormat: false,
    uplinkTimeValidity: '5m',
    downlinkEnabled: true,
    downlinkAsId: 'TWA_100000000.1.AS',
    downlinkAsKey: '00112233445566778899aabbccddeeff',
    downlinkPort: 1,
    reconnectStrategy: 'NORMAL',
    protocol: 'SSL',
    uplinkTopicPattern: 'tpx/things/{DevEUI}/uplink',
    downlinkTopicPattern: 'tpx/things/{DevEUI}/downlink',
    deviceType: 'lorawan-device',
    region: 'eu-west-1',
    accountPrefix: 'a1b2c3d4e5f6g7-ats',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'marker-secret-access-key',
    certificate: cert,
    privateKey: key,
  },
});
