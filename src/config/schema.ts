import type { z } from 'zod';
import { logLevels } from '../log.js';
import { connectionSchema } from './connection.js';
import { downlinksSchema } from './downlinks.js';
import { crossCheck, list, section } from './field.js';
import { flowSchema } from './flow.js';
import { ingressSchema, privateSchema } from './listeners.js';
import { networkServerSchema } from './network-server.js';
import { redisSchema } from './redis.js';
import { checkResources, checkStores } from './references.js';
import { byteSize, choice, duration, integer, text } from './scalars.js';
import { secretsSchema } from './secret-keys.js';

const outbox = section('The durable list of accepted messages that AWS has not acknowledged yet.', {
  store: choice({ description: 'Where it is: `disk`, in dataDir; or `redis`, where another replica takes over what a dead one left. docs/replicas.md compares them.' }, ['disk', 'redis']).prefault('disk'),
  maxBytes: byteSize({ description: 'When the backlog is this large, webhooks get 503 until some of it is delivered.', example: '2GB' }, { min: '1MB', max: '1TB' }).prefault('2GB'),
  maxMessages: integer({ description: 'The same for their number. Each start reads the whole backlog once to prove that it is undamaged, about a second for each million messages.' }, { min: 1_000, max: 1_000_000_000 }).prefault(10_000_000),
  dedupWindow: duration({ description: 'How long a message is remembered, so that a second copy is dropped (The Things Stack retries for 72 minutes).' }, { min: '1s', max: '7d' }).prefault('2h'),
  parkedMaxBytes: byteSize({ description: 'Room for parked messages, those given up with a reason.' }, { min: '1MB', max: '1TB' }).prefault('256MB'),
}).prefault({});

const log = section('The log, JSON lines on stdout.', {
  level: choice({ description: 'Lowest level that is written.' }, logLevels).prefault('info'),
}).prefault({});

/**
 * Everything that can be configured: one source for types, defaults, environment names, the example file, the README table and
 * the API's JSON Schema. Durations become milliseconds, sizes bytes, secrets `Secret`.
 */
export const bridgeSchema = section('Configuration of the bridge.', {
  dataDir: text({ description: 'Folder of the outbox and of what is made through the API; one bridge at a time.', form: 'path', example: './data', path: true }).prefault('./data'),
  ingress: ingressSchema,
  private: privateSchema,
  secrets: secretsSchema,
  outbox,
  downlinks: downlinksSchema,
  redis: redisSchema.optional(),
  networkServers: list('The network servers that call us; each has its webhook at /in/{id}. More can be made through the API.', networkServerSchema).prefault([]),
  connections: list('The AWS IoT Core accounts that messages go to. More can be made through the API.', connectionSchema).prefault([]),
  flows: list('Which messages go to which connections. With one connection and no flow everything goes to it; with two or more a flow is needed. Flows of this file name network servers and connections of this file.', flowSchema).prefault([]),
  shutdownTimeout: duration({ description: 'Longest time for a clean stop; what is then undelivered stays in the outbox.' }, { min: '100ms', max: '10m' }).prefault('10s'),
  log,
}).check(crossCheck(checkResources), crossCheck(checkStores));

/** A whole, checked configuration. */
export type BridgeConfig = z.output<typeof bridgeSchema>;
