import t from 'tap';
import type { Json } from '../../../src/api/ports.js';
import { canonicalText, changedPaths, mergePatch, readJsonObject, withoutNulls } from '../../../src/api/resources/json-object.js';

/** The cases of RFC 7396, appendix A. */
const patches: readonly (readonly [Json, Json, Json])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [['a', 'b'], ['c', 'd'], ['c', 'd']],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

void t.test('a merge patch does what RFC 7396 says', async (t) => {
  for (const [target, patch, result] of patches) t.strictSame(mergePatch(target, patch), result, JSON.stringify(patch));
});

void t.test('no key of a document reaches a prototype', async (t) => {
  const evil = JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true}}}') as Json;
  const merged = mergePatch({ a: {} }, evil);
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
  t.equal(Object.getPrototypeOf(merged), Object.prototype);
  t.ok(Object.hasOwn(merged as object, '__proto__'), 'it stays a plain key');
  t.ok(Object.hasOwn(withoutNulls(evil) as object, '__proto__'));
});

void t.test('keys without a value are left out, entries of a list are not', async (t) => {
  t.strictSame(withoutNulls({ a: null, b: { c: null, d: 1 }, e: [null, { f: null }] }), { b: { d: 1 }, e: [null, {}] });
});

void t.test('only a JSON object of reasonable size is read', async (t) => {
  for (const body of [undefined, null, 1, 'text', [], [{}], true]) t.throws(() => readJsonObject(body), { reason: 'invalid_resource', errors: [{ path: 'body', message: 'must be a JSON object' }] }, JSON.stringify(body));
  const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
  t.strictSame(readJsonObject(deep(10)), deep(10));
  t.throws(() => readJsonObject(deep(100)), { errors: [{ path: 'body', message: 'is nested too deeply' }] });
  t.throws(() => readJsonObject({ a: JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as unknown }), { errors: [{ path: 'body', message: 'is nested too deeply' }] });
  const wide = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`key${index}`, 1]));
  t.throws(() => readJsonObject(wide), { errors: [{ path: 'body', message: 'has too many keys' }] });
});

void t.test('what changed is told by its path', async (t) => {
  t.strictSame(changedPaths({ a: 1, b: { c: 2, d: [1] } }, { a: 1, b: { c: 3, d: [2] }, e: 'new' }), ['b.c', 'b.d', 'e']);
  t.strictSame(changedPaths(undefined, { a: 1, b: { c: 2 } }), ['a', 'b.c'], 'a new document');
  t.strictSame(changedPaths({ a: { b: 1 } }, {}), ['a.b']);
  t.strictSame(changedPaths({ a: { b: 1 } }, { a: 'text' }), ['a']);
  t.strictSame(changedPaths({ a: {} }, { a: {} }), []);
  t.strictSame(changedPaths({ a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }), [], 'the order of keys is no change');
  t.equal(canonicalText({ b: [{ d: 1, c: null }], a: 'x' }), '{"a":"x","b":[{"c":null,"d":1}]}');
});
