import { anything, array, constant, constantFrom, dictionary, double, integer, jsonValue, nat, oneof, record, string, tuple, type Arbitrary } from 'fast-check';

/** Names that mean something to JavaScript, to parsers or to shells. */
export const hostileNames = constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON', 'length', '$', '$where', '', ' ', '\u0000', '../../etc', 'then', 'x'.repeat(5_000));

/** Texts where something else is expected. */
const hostileTexts = constantFrom(
  '', ' ', '\u0000', '\ud800', '\u{1f600}', '\uffff', '../..', '%00', '%zz', '{DevEUI}', '${HOME}', "' or 1=1", 'NaN', 'Infinity', '-0', '1e999', '0x10', '1e-7', 'null', 'true', '[]', '{}', '{"a":',
  '9'.repeat(400), 'f'.repeat(3_001), '['.repeat(300), '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999+23:59', '2026-02-30T25:61:61Z', '99999999999', '9999999999999', 'x'.repeat(5_000), '='.repeat(3_000), ' '.repeat(3_000), '/+#$%',
);

const hostileNumbers = constantFrom(0, -0, -1, 1, 0.1, 223, 224, 255, 256, 65_535, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21, 1e308, 5e-324, 8.64e15, 8.64e15 + 1, -8.64e15);

export const hostileText: Arbitrary<string> = oneof(hostileTexts, string({ unit: 'binary' }), hostileNames);

const nested = (levels: number): unknown => {
  let value: unknown = {};
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

/** An object that has the names as keys of its own, as JSON.parse makes it. */
const hostileObject: Arbitrary<unknown> = array(tuple(hostileNames, oneof(hostileTexts, constantFrom(null, true, {}, []))), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));

/** Any JSON value, mostly not the one that is expected. */
export const hostileJson: Arbitrary<unknown> = oneof(
  hostileText, hostileNumbers, constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}]), hostileObject, nat(80).map(nested), double({ noNaN: true, noDefaultInfinity: true }), jsonValue({ maxDepth: 3 }),
);

/** JavaScript values, for functions whose callers hold more than JSON. */
export const hostileValue: Arbitrary<unknown> = oneof(hostileJson, anything({ maxDepth: 2 }));

interface Change {
  readonly what: 'replace' | 'remove' | 'rename' | 'add' | 'text';
  readonly where: number;
  readonly value: unknown;
  readonly name: string;
}

const change: Arbitrary<Change> = record({ what: constantFrom('replace' as const, 'replace' as const, 'remove' as const, 'rename' as const, 'add' as const, 'text' as const), where: nat(), value: hostileJson, name: hostileNames });

type Holder = Record<string, unknown>;

/** Every place of a document: the object or list and the key. Fixtures are small trees, changed ones grow little. */
const placesIn = (value: unknown): (readonly [Holder, string])[] =>
  typeof value !== 'object' || value === null ? [] : Object.keys(value).flatMap((key) => [[value as Holder, key] as const, ...placesIn((value as Holder)[key])]);

/** A key of its own, whatever its name; a list gets one entry more. */
const put = (holder: Holder, key: string, value: unknown): void => {
  if (Array.isArray(holder) && !Object.hasOwn(holder, key)) holder.push(value);
  else if (!Array.isArray(holder) || key !== 'length') Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
};

const applyChange = (root: Holder, { what, where, value: given, name }: Change): void => {
  const value = structuredClone(given);
  const places = placesIn(root);
  const [holder, key] = places[where % Math.max(1, places.length)] ?? [root, name];
  const old = holder[key];
  if (what === 'replace') put(holder, key, value);
  if (what === 'text') put(holder, key, typeof old === 'string' ? Number(old) : JSON.stringify(old));
  if (what === 'add') put(holder, name, value);
  if ((what === 'remove' || what === 'rename') && !Array.isArray(holder)) delete holder[key];
  if (what === 'rename') put(holder, name, old);
};

/** A JSON document, changed in one to four places. */
export const changedJson = (document: unknown): Arbitrary<unknown> =>
  array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const root = { root: structuredClone(document) };
    for (const one of changes) applyChange(root, one);
    return root.root;
  });

const junk: Arbitrary<Buffer> = oneof(
  array(integer({ min: 0, max: 255 }), { maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  constantFrom('\u0000', '\ufeff', '"', '\\', '{', '}', '[', ']]>', '<!--', '<![CDATA[', '<?xml', '<!DOCTYPE x [<!ENTITY a "b">]>', '&a;', '&#x110000;', '&#xD800;', '&#0;', '<__proto__>', '<constructor/>', '%', '&', '=', ';', '\r\n', '\ud800').map((text) => Buffer.from(text)),
);

/** Bytes, damaged in one to four places: cut out, put in, or written over. */
export const damaged = (bytes: Buffer): Arbitrary<Buffer> =>
  array(record({ at: nat(), length: constantFrom(0, 0, 1, 2, 40, 100_000), junk }), { minLength: 1, maxLength: 4 }).map((changes) =>
    changes.reduce((body, one) => {
      const at = one.at % (body.length + 1);
      return Buffer.concat([body.subarray(0, at), one.junk, body.subarray(at + one.length)]);
    }, bytes),
  );

const xmlNames = constantFrom('DevEUI_uplink', 'DevEUI_notification', 'DevEUI_location', 'DevEUI', 'Time', 'FPort', 'FCntUp', 'payload_hex', 'Lrrs', 'Lrr', 'CustomerData', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'a:b', '0', '#text', 'x'.repeat(2_000));
const xmlTexts = constantFrom('', '1', '0018B20000000B20', '2026-11-21T09:55:00Z', '&lt;&amp;', '&#65;', '&#x110000;', '&#xD800;', '&unknown;', '&a', '<![CDATA[<x>]]>', '<!-- -- -->', '<?php ?>', ']]>', '{"a":1}', '\u0001', '&#38;#38;'.repeat(500));

const xmlElement = (depth: number): Arbitrary<string> =>
  tuple(xmlNames, constantFrom('', ' a="1"', " a='&lt;' __proto__='x'", ' a'), depth === 0 ? xmlTexts : array(oneof(xmlTexts, xmlElement(depth - 1)), { maxLength: 4 }).map((parts) => parts.join(''))).map(([name, attributes, content]) => `<${name}${attributes}>${content}</${name}>`);

/** Elements of names that count and names that must not, with every kind of content. */
export const hostileXml: Arbitrary<string> = tuple(constantFrom('', '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-16"?>', '<!DOCTYPE a [<!ENTITY b "c">]>', '\ufeff'), xmlElement(3)).map((parts) => parts.join(''));

const formPart: Arbitrary<string> = oneof(hostileText.map((text) => encodeURIComponent(Buffer.from(text).toString())), constantFrom('%', '%zz', '%ff%fe', '+', '&', '=', ';'));

/** A query or a form of these keys and of others. */
export const hostileForm = (keys: readonly string[]): Arbitrary<string> =>
  array(tuple(oneof(constantFrom(...keys), hostileNames.map(encodeURIComponent), formPart), oneof(formPart, constantFrom('1a2345', '1763718900', '00', '7', 'up', 'true'))), { maxLength: 8 }).map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join('&'));

/** Objects whose keys are hostile, for headers, tags and settings. */
export const hostileMap: Arbitrary<Record<string, string>> = oneof(constant({}), dictionary(hostileNames, hostileText, { maxKeys: 4 }));
