import { createRequire } from 'node:module';
import type { XMLParser } from 'fast-xml-parser';
import { BridgeError } from '../../errors.js';
import { bodyText, jsonValue } from '../body-text.js';
import { isObject, rootFields, type Fields } from '../fields.js';
import type { WebhookRequest } from '../network-server.js';

/** The documents that the LRC tunnel and ThingPark X IoT Flow post; the root key or element names them. */
export const documentRoots = [
  'DevEUI_uplink', 'DevEUI_downlink_Sent', 'DevEUI_downlink_Rejected', 'DevEUI_location', 'DevEUI_notification',
  'DevEUI_multicast_summary', 'DevEUI_alarm', 'BS_alarm',
] as const;
export type DocumentRoot = (typeof documentRoots)[number];

export interface ThingparkDocument {
  /** Absent when the body has none of the roots that we know. */
  readonly root?: DocumentRoot;
  /** The contents of the root; the whole body where there is no root. */
  readonly body: Fields;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Numeric references and the five entities of XML itself; there are no others, because DOCTYPE, which declares them, is refused. */
const decodeEntities = (text: string): string =>
  text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w{2,4}));/g, (reference, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return entities[name] ?? reference;
    const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : reference;
  });

const nothing = (): void => undefined;

const require = createRequire(import.meta.url);

/** Every value stays text, as in untyped JSON, so that counters and hex keep the digits that the Token was made over. */
const createXmlParser = (): XMLParser => {
  const { XMLParser: Parser } = require('fast-xml-parser') as typeof import('fast-xml-parser');
  return new Parser({
    ignoreAttributes: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
    removeNSPrefix: true,
    parseTagValue: false,
    maxNestedTags: 20,
    entityDecoder: { decode: decodeEntities, setExternalEntities: nothing, addInputEntities: nothing, reset: nothing, setXmlVersion: nothing },
  });
};

/** Made, and its package loaded, for the first XML: most bodies are JSON. */
let xmlParser: XMLParser | undefined;

const xmlValue = (text: string): unknown => {
  if (/<!DOCTYPE/i.test(text)) throw new BridgeError('malformed_body', { detail: 'a document type declaration is not accepted' });
  xmlParser ??= createXmlParser();
  try {
    return xmlParser.parse(text, true) as unknown;
  } catch (cause) {
    throw new BridgeError('malformed_body', { detail: 'the body is not well-formed XML', cause });
  }
};

const isRoot = (key: string): key is DocumentRoot => documentRoots.some((root) => root === key);

/**
 * Without a root the body is the flat uplink of IoT Flow's `sendMetadata`, unless it looks like another document: a single
 * object, or a key in the style of the roots.
 */
const isFlat = (value: Readonly<Record<string, unknown>>): boolean => {
  const keys = Object.keys(value);
  const lone = keys.length === 1 && isObject(value[keys[0] ?? '']);
  return keys.length > 0 && !lone && !keys.some((key) => /^(DevEUI|BS)_/.test(key));
};

/** Bytes to document: typed JSON, untyped JSON or XML. @throws malformed_body; invalid_field when the body or its root is no object */
export const readThingpark = (request: WebhookRequest): ThingparkDocument => {
  const text = bodyText(request.body);
  const whole = rootFields(request.mediaType.endsWith('xml') ? xmlValue(text) : jsonValue(text));
  const roots = Object.keys(whole.value).filter(isRoot);
  const [root] = roots;
  if (root !== undefined && roots.length === 1) return { root, body: rootFields(whole.value[root], root) };
  return root === undefined && isFlat(whole.value) ? { root: 'DevEUI_uplink', body: whole } : { body: whole };
};
