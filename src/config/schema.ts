import type { z } from 'zod';
import { logLevels } from '../log.js';
import { connectionSchema } from './connection.js';
import { downlinksSchema, redisSchema } from './downlinks.js';
import { crossCheck, list, section, type Loose, type Report } from './field.js';
import { ingressSchema, privateSchema } from './listeners.js';
import { networkServerSchema } from './network-server.js';
import { byteSize, choice, duration, text } from './scalars.js';

const outbox = section('The durable list of accepted messages that AWS has not acknowledged yet.', {
  maxBytes: byteSize({ description: 'When the backlog is this large, webhooks get 503 until some of it is delivered.', example: '2GB' }, { min: '1MB', max: '1TB' }).prefault('2GB'),
  dedupWindow: duration({ description: 'How long a message is remembered, so that a second copy is dropped (The Things Stack retries for 72 minutes).' }, { min: '1s', max: '7d' }).prefault('2h'),
  parkedMaxBytes: byteSize({ description: 'Room for parked messages, those given up with a reason.' }, { min: '1MB', max: '1TB' }).prefault('256MB'),
}).prefault({});

const log = section('The log, JSON lines on stdout.', {
  level: choice({ description: 'Lowest level that is written.' }, logLevels).prefault('info'),
}).prefault({});

const idsOf = (entries: unknown): unknown[] => (Array.isArray(entries) ? entries.map((entry: unknown) => (typeof entry === 'object' && entry !== null ? (entry as Loose)['id'] : undefined)) : []);

const checkUnique = (name: string, entries: unknown, report: Report): void => {
  const ids = idsOf(entries).map((id) => (typeof id === 'string' ? id.toLowerCase() : undefined));
  ids.forEach((id, index) => {
    if (id !== undefined && ids.indexOf(id) < index) report([name, index, 'id'], `is taken by ${name}[${ids.indexOf(id)}] (upper and lower case count as the same)`);
  });
};

const ids = (entries: unknown): Set<unknown> => new Set(idsOf(entries));

/** The network server that a connection names must be there. */
const checkDownlinkServers = ({ networkServers, connections }: Loose, report: Report): void => {
  if (!Array.isArray(connections)) return;
  connections.forEach((connection: unknown, index) => {
    const configuration = typeof connection === 'object' && connection !== null ? (connection as Loose)['configuration'] : undefined;
    const named = typeof configuration === 'object' && configuration !== null ? (configuration as Loose)['downlinkNetworkServer'] : undefined;
    if (typeof named === 'string' && !ids(networkServers).has(named)) report(['connections', index, 'configuration', 'downlinkNetworkServer'], 'is no network server of this file');
  });
};

const checkResources = ({ networkServers, connections }: Loose, report: Report): void => {
  for (const [name, entries] of Object.entries({ networkServers, connections })) {
    if (Array.isArray(entries) && entries.length === 0) report([name], 'needs at least one entry');
    checkUnique(name, entries, report);
  }
  if (Array.isArray(connections) && connections.length > 1) report(['connections'], 'with two or more connections a flow is required, and flows are not available in this version');
};

/**
 * Everything that can be configured: one source for types, defaults, environment names, the example file and the README table.
 * Durations become milliseconds, sizes bytes, secrets `Secret`.
 */
export const bridgeSchema = section('Configuration of the bridge.', {
  dataDir: text({ description: 'Folder of the outbox; one bridge at a time.', form: 'path', example: './data', path: true }).prefault('./data'),
  ingress: ingressSchema,
  private: privateSchema,
  outbox,
  downlinks: downlinksSchema,
  redis: redisSchema.optional(),
  networkServers: list('The network servers that call us; each has its webhook at /in/{id}.', networkServerSchema),
  connections: list('The AWS IoT Core account that the messages go to. Exactly one in this version.', connectionSchema),
  shutdownTimeout: duration({ description: 'Longest time for a clean stop; what is then undelivered stays in the outbox.' }, { min: '100ms', max: '10m' }).prefault('10s'),
  log,
}).check(crossCheck(checkResources), crossCheck(checkDownlinkServers));

/** A whole, checked configuration. */
export type BridgeConfig = z.output<typeof bridgeSchema>;
