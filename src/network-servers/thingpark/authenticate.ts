import { createHash } from 'node:crypto';
import { BridgeError } from '../../errors.js';
import { isObject, type Fields } from '../fields.js';
import type { TokenProof, WebhookRequest } from '../network-server.js';
import { constantTimeEqual } from '../proof.js';
import type { ThingparkDocument } from './read.js';

const refuse = (detail: string): BridgeError => new BridgeError('unauthenticated', { detail });

interface SignedQuery {
  readonly token: string;
  readonly asId: string | undefined;
  /** The query without Token, percent-decoded, parameters in the order received. */
  readonly text: string;
}

/** Percent-decodes and nothing more: a `+` must stay, it is part of the signed Time. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse('the query is not percent-encoded as it should be');
  }
};

const valuesOf = (parameters: readonly string[], name: string): string[] =>
  parameters.filter((parameter) => parameter.startsWith(`${name}=`)).map((parameter) => decoded(parameter.slice(name.length + 1)));

const signedQuery = (rawQuery: string): SignedQuery => {
  const parameters = rawQuery.split('&');
  const [token, ...others] = valuesOf(parameters, 'Token');
  if (token === undefined || token === '') throw refuse('query parameter Token is missing');
  const asIds = valuesOf(parameters, 'AS_ID');
  // Of two values the signature would cover both, and a reader could only guess which one counts.
  if (others.length > 0 || asIds.length > 1) throw refuse('query parameter Token or AS_ID came twice');
  const rest = parameters.filter((parameter) => !parameter.startsWith('Token='));
  return { token, asId: asIds[0], text: decoded(rest.join('&')) };
};

const signedElements = ['CustomerID', 'DevEUI', 'FPort', 'FCntUp', 'payload_hex'] as const;

/** The element's text exactly as in the body; numbers of typed JSON in decimal, nothing for an absent one. */
const verbatim = (body: Fields, key: string): string => {
  const value = body.value[key];
  if (value === undefined || value === null || isObject(value) || Array.isArray(value)) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
};

/** An uplink that says anything of the device's own, raw or decoded, is one whose signature is published. */
const isSignedUplink = ({ root, body }: ThingparkDocument): boolean =>
  root === 'DevEUI_uplink' && [body.value.payload_hex, body.value.payload].some((value) => value !== undefined && value !== null && value !== '');

/**
 * Verifies the Token of an LRC tunnel request: SHA-256, in hex, of the values of CustomerID, DevEUI, FPort, FCntUp and
 * payload_hex from the body, the query without Token, and the Tunnel Interface Authentication Key, one behind the other
 * (thingpark-integrations, docs/README.md, 2.1.3). What is signed for documents other than uplinks with a payload is not
 * published: they are verified with nothing in place of absent elements, and refused when that fails, unless `strict` is false.
 * @throws unauthenticated
 */
export const verifyToken = (document: ThingparkDocument, request: WebhookRequest, proof: TokenProof): void => {
  const { token, asId, text } = signedQuery(request.rawQuery);
  if (proof.asId !== undefined && asId !== proof.asId) throw refuse('query parameter AS_ID is not the configured one');
  const elements = signedElements.map((key) => verbatim(document.body, key)).join('');
  const expected = createHash('sha256').update(elements + text + proof.key, 'utf8').digest('hex');
  if (constantTimeEqual(token.toLowerCase(), expected)) return;
  if (proof.strict !== false || isSignedUplink(document)) throw refuse('query parameter Token does not verify');
};
