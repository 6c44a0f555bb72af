import { z } from 'zod';
import { crossCheck, field, fieldSpecs, maxEntries, section, wrong, type Loose, type Report } from './field.js';
import { boolean, choice, id, maxName, networks, readText, secret, text, textLike } from './scalars.js';
import { checkDownlinkKind, downlinkSchema } from './network-server-downlink.js';
import { Secret } from './secret.js';

export const networkServerKinds = ['thingpark', 'the-things-stack', 'chirpstack', 'sigfox'] as const;

const methods = ['none', 'header', 'basic', 'bearer', 'token'] as const;

const noMethod = 'needs one of header, basic, bearer, token; write `authenticate: none` to go without';

const checkMethods = (value: Loose, report: Report): void => {
  const given = methods.filter((method) => value[method] !== undefined);
  if (given.length === 0) report([], noMethod);
  if (given.length > 1) report([], `takes one way of proof, not ${given.join(' and ')}`);
};

const header = section('A header that the network server sends with each webhook.', {
  name: textLike({ description: 'Name of the header.', form: 'the name of an HTTP header', example: 'x-api-key' }, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/),
  value: secret({ description: 'Value of the header.', example: '${FACTORY_KEY}' }),
});

const basic = section('HTTP Basic credentials (RFC 7617).', {
  username: textLike({ description: 'User name.', form: 'a user name without a colon', hint: 'factory' }, /^[^:]+$/),
  password: secret({ description: 'Password.', hint: '${FACTORY_PASSWORD}' }),
});

const token = section("ThingPark's Token: each uplink is signed with the Tunnel Interface Authentication Key.", {
  key: secret({ description: 'Tunnel Interface Authentication Key, as ThingPark shows it.', hint: '${THINGPARK_KEY}' }),
  asId: text({ description: 'The AS_ID that must have been signed; any when absent.', hint: 'TPX.1' }).optional(),
  strict: boolean({
    description: 'What is signed for documents other than uplinks is not published. They are refused when their Token does not verify; `false` lets them pass with any Token.',
  }).prefault(true),
});

const authenticateText = 'How the network server proves itself: exactly one of the ways below, or the text `none`.';

const authenticateKeys = section(authenticateText, {
  none: field({ description: 'No proof: anybody who reaches the listener is believed. The same as writing `authenticate: none`.', form: 'true', hint: 'true', json: { type: ['boolean', 'string'], enum: [true, 'true'] } }, (value): true =>
    value === true || value === 'true' ? true : wrong('must be true; leave it out otherwise'),
  ).optional(),
  header: header.optional(),
  basic: basic.optional(),
  bearer: secret({ description: 'Token of `Authorization: Bearer`.', hint: '${FACTORY_TOKEN}' }).optional(),
  token: token.optional(),
  sources: networks({ description: 'Networks that webhooks may come from; any when absent.', hint: '[192.0.2.0/24]' }).optional(),
}, noMethod).check(crossCheck(checkMethods));

const authenticateSchema = z.preprocess((value) => (value === 'none' ? { none: true } : value), authenticateKeys).register(fieldSpecs, { description: authenticateText, word: 'none' });

const fieldMapJson = { type: 'object', additionalProperties: { type: 'string', pattern: '\\S', maxLength: maxName }, maxProperties: maxEntries };

const readFieldName = (value: unknown): string => (typeof value === 'string' && value !== '' ? readText(value, maxName) : wrong('must map each variable to the name of a key'));

const readFieldMap = (value: unknown): Record<string, string> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('must be a mapping of variables to keys');
  const entries = Object.entries(value);
  return entries.length > maxEntries ? wrong(`must have at most ${maxEntries} entries`) : Object.fromEntries(entries.map(([key, one]) => [key, readFieldName(one)]));
};

const checkKind = ({ kind, authenticate, fields, batchPattern, downlink }: Loose, report: Report): void => {
  if (typeof kind !== 'string') return;
  if (kind !== 'sigfox' && fields !== undefined) report(['fields'], 'is for kind sigfox only');
  if (kind !== 'sigfox' && batchPattern !== undefined) report(['batchPattern'], 'is for kind sigfox only');
  const hasToken = typeof authenticate === 'object' && authenticate !== null && 'token' in authenticate && authenticate.token !== undefined;
  if (kind !== 'thingpark' && hasToken) report(['authenticate', 'token'], 'is for kind thingpark only');
  if (typeof downlink === 'object' && downlink !== null) checkDownlinkKind(kind, downlink as Loose, report);
};

export const networkServerSchema = section('A network server that calls us, at /in/{id}.', {
  id: id({ description: 'Names the webhook address /in/{id}, metrics and logs.', example: 'factory' }),
  kind: choice({ description: 'Which network server it is.', example: 'chirpstack' }, networkServerKinds),
  authenticate: authenticateSchema,
  downlink: downlinkSchema.optional(),
  fields: field({ description: "Sigfox: the key of your callback that holds a variable, where it is not the variable's own name.", form: 'mapping', noVariable: true, hint: '{ data: payload }', json: fieldMapJson }, readFieldMap).optional(),
  batchPattern: text({ description: 'Sigfox: the line pattern of a batch callback, as typed into the backend.', hint: "'{device};{time};{data};{seqNumber}'" }).optional(),
}).check(crossCheck(checkKind));

export type NetworkServerConfig = z.output<typeof networkServerSchema>;
export type AuthenticateConfig = NetworkServerConfig['authenticate'];

/** The one way of proof that is configured, with its secrets in clear text for the room that checks them. */
export type ConfiguredProof =
  | { readonly kind: 'none' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'token'; readonly key: string; readonly asId?: string; readonly strict: boolean };

export const proofOf = ({ header: named, basic: pair, bearer, token: signed }: AuthenticateConfig): ConfiguredProof => {
  if (named !== undefined) return { kind: 'header', name: named.name, value: named.value.reveal() };
  if (pair !== undefined) return { kind: 'basic', username: pair.username, password: pair.password.reveal() };
  if (bearer instanceof Secret) return { kind: 'bearer', token: bearer.reveal() };
  if (signed === undefined) return { kind: 'none' };
  return { kind: 'token', key: signed.key.reveal(), strict: signed.strict, ...(signed.asId === undefined ? {} : { asId: signed.asId }) };
};
