import { z } from 'zod';
import { alarms } from './alarms.js';
import { address, checkEndpoint, checkPort, checkRegion } from './connection-address.js';
import { checkAccessKey, checkLogin, checkSigning, credentials } from './connection-credentials.js';
import { checkDownlinkSigning, connectionDownlinks } from './connection-downlinks.js';
import { checkForms, publishing } from './connection-publishing.js';
import { checkThings, registration } from './connection-things.js';
import { checkCertificateId, checkPair } from './credentials.js';
import { crossCheck, section } from './field.js';
import { checkReconnect, pacing } from './pacing.js';
import { boolean, choice, id, name, text } from './scalars.js';
import { checkTopics } from './topic-settings.js';

export const connectorIds = ['aws-iot', 'actility-aws-iot'] as const;

const description = text({ description: 'For people.', hint: 'Account of the factory' }).optional();

const configuration = section('Where the account is, and how messages go there.', {
  description, ...address, ...credentials, ...registration, ...publishing, ...connectionDownlinks, ...pacing,
}).check(
  ...[checkEndpoint, checkPort, checkRegion, checkLogin, checkPair, checkCertificateId, checkAccessKey, checkSigning, checkThings, checkTopics, checkDownlinkSigning, checkReconnect].map(crossCheck),
);

const connection = section('An AWS IoT Core account.', {
  id: id({ description: 'Names the connection in logs, metrics and the outbox.', example: 'main' }),
  connectorId: choice({ description: '`actility-aws-iot` is the same with the defaults of ThingPark X IoT Flow.', example: 'aws-iot' }, connectorIds),
  name: name({ description: 'For people.', example: 'Main account' }).optional(),
  active: boolean({ description: '`false`: messages are accepted and kept, none is published.' }).prefault(true),
  alarms,
  configuration,
}).check(crossCheck(checkForms));

const isMapping = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Forms post a text without content for what nobody filled in. */
const withoutEmpty = (entries: Readonly<Record<string, unknown>>) => Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== ''));

/** What depends on the connector: one default, and what an empty text means. */
const fillConnectorDefaults = (value: unknown): unknown => {
  if (!isMapping(value)) return value;
  const actility = value['connectorId'] === 'actility-aws-iot';
  const entries = actility ? withoutEmpty(value) : value;
  const { configuration: given } = entries;
  if (!isMapping(given)) return entries;
  const settings = actility ? withoutEmpty(given) : given;
  return { ...entries, configuration: { ...settings, payloadFormat: settings['payloadFormat'] ?? (actility ? 'original' : 'normalised') } };
};

export const connectionSchema = z.preprocess(fillConnectorDefaults, connection);

export type ConnectionConfig = z.output<typeof connectionSchema>;
