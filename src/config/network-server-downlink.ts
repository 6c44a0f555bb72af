import type { z } from 'zod';
import { caBundle } from './credentials.js';
import { checkBackoff } from './pacing.js';
import { crossCheck, listOf, section, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { choice, duration, integer, secret, text, textLike } from './scalars.js';
import { httpUrl, secretUrl } from './urls.js';

const hostForm = /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?(:\d{1,5})?$/;

const hosts = (spec: FieldSpec) =>
  listOf(spec, {
    what: 'host names',
    read: (value) => (typeof value === 'string' && hostForm.test(value) ? value.toLowerCase() : wrong('must be a host name, with its port where it has one')),
    json: { type: 'string', pattern: hostForm.source },
  });

/** Keys that only one kind of network server knows. */
const keysOfKind: Readonly<Record<string, string>> = {
  api: 'chirpstack', asId: 'thingpark', asKey: 'thingpark', applicationId: 'the-things-stack', webhookId: 'the-things-stack', allowedHosts: 'the-things-stack', mailbox: 'sigfox',
};

/** What the Sigfox cloud cannot do: it has no API, downlinks are the answers of its callbacks. */
const keysOfApi = ['url', 'apiToken', 'proxy', 'caCertificate'];

/** Checks of `downlink` that depend on the kind of the network server. */
export const checkDownlinkKind = (kind: string, downlink: Loose, report: Report): void => {
  for (const [key, owner] of Object.entries(keysOfKind)) if (downlink[key] !== undefined && kind !== owner) report(['downlink', key], `is for kind ${owner} only`);
  if (kind === 'sigfox') for (const key of keysOfApi) if (downlink[key] !== undefined) report(['downlink', key], 'is not for kind sigfox, whose downlinks are the answers to its callbacks');
  if (kind !== 'sigfox' && kind !== 'the-things-stack' && downlink['url'] === undefined) report(['downlink', 'url'], 'is required');
  if (kind === 'thingpark' && downlink['apiToken'] !== undefined) report(['downlink', 'apiToken'], 'is not for kind thingpark; use asId and asKey');
  if (kind === 'the-things-stack') checkTheThingsStack(downlink, report);
};

const checkTheThingsStack = ({ url, webhookId, allowedHosts }: Loose, report: Report): void => {
  if (url === undefined && allowedHosts === undefined) report(['downlink', 'url'], 'is required, or allowedHosts to take the address from the webhooks');
  if (url !== undefined && webhookId === undefined) report(['downlink', 'webhookId'], 'is required with url');
};

const checkSigning = ({ asId, asKey }: Loose, report: Report): void => {
  if (asId !== undefined && asKey === undefined) report(['asKey'], 'is required with asId');
  if (asId === undefined && asKey !== undefined) report(['asId'], 'is required with asKey');
};

/** How downlinks go back to the network server. */
export const downlinkSchema = section('How downlinks go back to the network server. Without it, downlinks to its devices are rejected (Sigfox needs none of this).', {
  url: httpUrl({ description: 'Base address of the downlink API: the LRC of ThingPark, the cluster of The Things Stack, the REST API of ChirpStack.', example: 'http://127.0.0.1:8090' }, 'apiToken').optional(),
  apiToken: secret({ description: 'API token (ChirpStack) or API key (The Things Stack).', example: '${CHIRPSTACK_TOKEN}' }).optional(),
  api: choice({ description: 'ChirpStack: version of the API; as the webhooks show it when absent.', hint: 'v4' }, ['v3', 'v4']).optional(),
  asId: text({ description: 'ThingPark: AS_ID that downlinks are signed with.', hint: 'TPX.1' }).optional(),
  asKey: secret({ description: 'ThingPark: LRC-AS authentication key that downlinks are signed with.', hint: '${THINGPARK_AS_KEY}' }).optional(),
  applicationId: textLike({ description: 'The Things Stack: application of devices that were never heard.', form: 'an application id', hint: 'city-parking' }, /^[a-z0-9](?:-?[a-z0-9]){1,}$/).optional(),
  webhookId: textLike({ description: 'The Things Stack: id of the webhook whose downlink address is used.', form: 'a webhook id', hint: 'aws-bridge' }, /^[a-z0-9](?:-?[a-z0-9]){1,}$/).optional(),
  allowedHosts: hosts({ description: 'The Things Stack: hosts that the address and key in the webhooks (X-Downlink-Push, X-Downlink-Apikey) are believed for.', form: 'list of hosts', hint: '[eu1.cloud.thethings.network]' }).optional(),
  mailbox: choice({ description: 'Sigfox: which of several waiting downlinks answers the next bidirectional callback. `newest`, which is the default, replaces those before it.', hint: 'newest' }, ['newest', 'oldest']).optional(),
  timeout: duration({ description: 'Longest time for one request to the API.' }, { min: '100ms', max: '2m' }).prefault('10s'),
  attempts: integer({ description: 'How often the API may refuse (or leave unanswered) a downlink before it has failed. Attempts that did not reach it are not counted.' }, { min: 1, max: 1_000 }).prefault(20),
  backoff: section('Waiting time between attempts: doubles from min to max, jittered.', {
    min: duration({ description: 'First waiting time.' }, { min: '10ms', max: '1h' }).prefault('1s'),
    max: duration({ description: 'Longest waiting time.' }, { min: '10ms', max: '1h' }).prefault('60s'),
  }).prefault({}),
  onUnknown: choice({ description: 'What follows when a downlink was sent and no answer came: `retry` may bring it to the device twice, `fail` may report as failed what arrived.' }, ['retry', 'fail']).prefault('retry'),
  caCertificate: caBundle({ description: "CA certificates that the API's certificate must chain to; Node's own list when absent.", hint: 'certs/network-server-ca.pem' }).optional(),
  proxy: secretUrl({ description: 'HTTP proxy (CONNECT) between the bridge and the API; credentials may stand in it.', hint: 'http://proxy.example.com:3128' }, ['http', 'https']).optional(),
}).check(crossCheck(checkSigning), crossCheck(checkBackoff));

export type DownlinkConfig = z.output<typeof downlinkSchema>;

/** What holds for a network server without the section. */
export const downlinkDefaults: DownlinkConfig = downlinkSchema.parse({});
