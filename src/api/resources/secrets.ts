import type { Problem } from '../../config/problem.js';
import type { SchemaNode } from '../../config/schema-node.js';
import type { SecretBox } from '../../config/secret-box.js';
import { BridgeError } from '../../errors.js';
import type { Json, JsonObject } from '../ports.js';
import { isJsonObject } from './json-object.js';

/** What stands in an answer in place of a secret, as in ThingPark X IoT Flow. */
export const mask = '*****';

/** Where a document stands: with the path it is the context that a secret is sealed for. */
export interface Place {
  readonly kind: string;
  readonly id: string;
  readonly node: SchemaNode;
}

type Sealed = { readonly $sealed: string };

const isSealed = (value: Json | undefined): value is Sealed => isJsonObject(value) && Object.keys(value).length === 1 && typeof value['$sealed'] === 'string';

interface Spot {
  readonly path: string;
  /** What stands at the same path of the other document. */
  readonly other: Json | undefined;
}

type Visit = (value: Json, spot: Spot) => Json;

const childNode = (node: SchemaNode | undefined, key: string): SchemaNode | undefined => (node?.kind === 'section' ? node.keys.get(key) : undefined);

/**
 * Replaces every secret: what the schema calls one, and whatever is sealed, wherever it stands. So a document that the schema of
 * this version does not fit keeps and hides its secrets all the same.
 */
const walk = (node: SchemaNode | undefined, value: Json, spot: Spot, visit: Visit): Json => {
  if (value === null) return value;
  if (isSealed(value) || (node?.kind === 'field' && node.spec.secret === true)) return visit(value, spot);
  const { path, other } = spot;
  if (Array.isArray(value)) {
    const element = node?.kind === 'list' ? node.element : undefined;
    return value.map((entry: Json, index) => walk(element, entry, { path: `${path}[${index}]`, other: Array.isArray(other) ? (other[index] as Json | undefined) : undefined }, visit));
  }
  if (!isJsonObject(value)) return value;
  const under = (key: string): Spot => ({ path: path === '' ? key : `${path}.${key}`, other: isJsonObject(other) && Object.hasOwn(other, key) ? other[key] : undefined });
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, walk(childNode(node, key), entry, under(key), visit)]));
};

const replaceAll = (place: Pick<Place, 'node'>, document: JsonObject, visit: Visit, other?: JsonObject): JsonObject => walk(place.node, document, { path: '', other }, visit) as JsonObject;

const contextOf = ({ kind, id }: Place, path: string): string => `${kind}/${id}/${path}`;

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

const openAt = (box: SecretBox, place: Place, { $sealed }: Sealed, path: string): string => {
  try {
    return box.open($sealed, contextOf(place, path));
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    throw new BridgeError(error.reason, { field: path, ...(error.detail === undefined ? {} : { detail: error.detail }) });
  }
};

/** The document as answers show it. */
export const maskSecrets = (node: SchemaNode, document: JsonObject): JsonObject => replaceAll({ node }, document, () => mask);

/** The document in clear text. @throws BridgeError secrets_locked with the path of the secret */
export const openSecrets = (box: SecretBox, place: Place, document: JsonObject): JsonObject =>
  replaceAll(place, document, (value, { path }) => (isSealed(value) ? openAt(box, place, value, path) : value));

const opensTo = (box: SecretBox, place: Place, sealed: Sealed, path: string): string | undefined => {
  try {
    return openAt(box, place, sealed, path);
  } catch {
    return undefined;
  }
};

/** The document as it is kept. A secret that is the same as in `previous` keeps its sealed text, so that it does not count as changed. */
export const sealSecrets = (box: SecretBox, place: Place, document: JsonObject, previous?: JsonObject): JsonObject =>
  replaceAll(
    place,
    document,
    (value, { path, other }) => {
      if (isSealed(value)) return value;
      const kept = isSealed(other) && box.isCurrent(other.$sealed) && opensTo(box, place, other, path) === textOf(value);
      return kept ? other : { $sealed: box.seal(textOf(value), contextOf(place, path)) };
    },
    previous,
  );

export interface Unmasked {
  /** In clear text, the masks replaced by what was kept. */
  readonly document: JsonObject;
  readonly problems: readonly Problem[];
}

const noValue = 'is the mask of a secret, and there is no value to keep; send the value itself';
const lockedValue = 'cannot be kept: it was sealed with a key that the bridge does not have; send the value itself';
const sealedGiven = 'must be text';

/** Puts the secrets of `previous` in place of the masks that a caller sent back. */
export const unmaskSecrets = (box: SecretBox, place: Place, document: JsonObject, previous?: JsonObject): Unmasked => {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string): Json => {
    problems.push({ path, message });
    return mask;
  };
  const unmask: Visit = (value, { path, other }) => {
    if (isSealed(value)) return refuse(path, sealedGiven);
    if (value !== mask) return value;
    if (!isSealed(other)) return refuse(path, noValue);
    return opensTo(box, place, other, path) ?? refuse(path, lockedValue);
  };
  const unmasked = replaceAll(place, document, unmask, previous);
  return { document: unmasked, problems };
};

/** The document sealed with the current key, or undefined where it is already. @throws BridgeError secrets_locked */
export const resealSecrets = (box: SecretBox, place: Place, document: JsonObject): JsonObject | undefined => {
  let changed = false;
  const resealed = replaceAll(place, document, (value, { path }) => {
    if (!isSealed(value) || box.isCurrent(value.$sealed)) return value;
    changed = true;
    return { $sealed: box.seal(openAt(box, place, value, path), contextOf(place, path)) };
  });
  return changed ? resealed : undefined;
};
