import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import { addRest, present, restOf } from '../../src/network-servers/entries.js';
import { base64Field, booleanField, hexField, integerField, instantOf, numberField, objectField, objectList, pathOf, required, rootFields, textField, textList, textMap, timeField, type Fields } from '../../src/network-servers/fields.js';

type Reader = (fields: Fields, key: string) => unknown;

/** What a reader gives for one value under the key `k` of the object `at`; the path of the error when it throws. */
const readValue = (reader: Reader, value: unknown): unknown => {
  try {
    return reader({ path: 'at', value: { k: value } }, 'k');
  } catch (error) {
    if (error instanceof BridgeError && error.reason === 'invalid_field') return `wrong ${error.field}`;
    throw error;
  }
};

const wrong = 'wrong at.k';

const tables: Readonly<Record<string, { readonly reader: Reader; readonly rows: readonly (readonly [unknown, unknown])[] }>> = {
  textField: {
    reader: textField,
    rows: [['a', 'a'], [' ', ' '], [0, '0'], [1.5, '1.5'], [false, 'false'], [{}, wrong], [['a'], wrong]],
  },
  numberField: {
    reader: numberField,
    rows: [
      [0, 0], [-1.5, -1.5], ['0', 0], ['-60.000000', -60], ['1e3', 1000], [' 7 ', 7], ['0x10', 16],
      ['seven', wrong], [' ', wrong], ['1,5', wrong], ['NaN', wrong], ['Infinity', wrong], [true, wrong], [{}, wrong], [[1], wrong],
    ],
  },
  integerField: {
    reader: (fields, key) => integerField(fields, key, 0, 255),
    rows: [[0, 0], [255, 255], ['17', 17], ['17.0', 17], [256, wrong], [-1, wrong], [1.5, wrong], ['x', wrong], [Number.NaN, wrong]],
  },
  booleanField: {
    reader: booleanField,
    rows: [
      [true, true], ['true', true], ['TRUE', true], [1, true], ['1', true], [false, false], ['False', false], [0, false], ['0', false],
      ['yes', wrong], [2, wrong], [{}, wrong],
    ],
  },
  hexField: {
    reader: hexField,
    rows: [['00Ff', '00ff'], ['0', wrong], ['0g', wrong], ['0x00', wrong], [' 00', wrong], [12, '12'], [{}, wrong]],
  },
  'hexField of 2 bytes': {
    reader: (fields, key) => hexField(fields, key, { bytes: 2 }),
    rows: [['ABCD', 'abcd'], ['ab', wrong], ['abcdef', wrong]],
  },
  'hexField of at most 2 bytes': {
    reader: (fields, key) => hexField(fields, key, { maxBytes: 2 }),
    rows: [['ab', 'ab'], ['abcd', 'abcd'], ['abcdef', wrong]],
  },
  base64Field: {
    reader: base64Field,
    rows: [
      ['AP8=', '00ff'], ['AP8', '00ff'], ['qg==', 'aa'], ['-_8=', 'fbff'], ['+/8=', 'fbff'],
      ['...', wrong], ['A', wrong], ['AP8=x', wrong], ['A P8=', wrong], [{}, wrong],
    ],
  },
  'base64Field of 8 bytes': {
    reader: (fields, key) => base64Field(fields, key, { bytes: 8 }),
    rows: [['AgICAgICAgI=', '0202020202020202'], ['AgI=', wrong]],
  },
  timeField: {
    reader: (fields, key) => timeField(fields, key)?.iso,
    rows: [
      ['2026-03-02T07:15:00.250+01:00', '2026-03-02T06:15:00.250Z'],
      ['2026-03-02T07:15:00.38+0100', '2026-03-02T06:15:00.380Z'],
      ['2026-03-02T06:15:00.123456789Z', '2026-03-02T06:15:00.123Z'],
      ['2026-03-02T06:15:00z', '2026-03-02T06:15:00.000Z'],
      ['2026-03-02 06:15:00', '2026-03-02T06:15:00.000Z'],
      ['2026-03-02T06:15:00', '2026-03-02T06:15:00.000Z'],
      ['2026-03-02T07:15.250:00+01:00', wrong], ['2026-03-02', wrong], ['2026-13-02T06:15:00Z', wrong], ['2026-03-02T25:15:00Z', wrong],
      ['yesterday', wrong], [1772431200, wrong], [{}, wrong],
    ],
  },
  textList: {
    reader: textList,
    rows: [[[], []], [['a', 'b'], ['a', 'b']], [['a', 1], wrong], ['a', wrong], [{}, wrong]],
  },
  textMap: {
    reader: textMap,
    rows: [[{ a: 'b', n: 1, empty: '' }, { a: 'b', n: '1', empty: '' }], [{ a: {} }, 'wrong at.k.a'], [['a'], wrong], ['a', wrong]],
  },
  objectField: {
    reader: (fields, key) => objectField(fields, key),
    rows: [[{ a: 1 }, { path: 'at.k', value: { a: 1 } }], [[], wrong], ['a', wrong], [1, wrong]],
  },
  objectList: {
    reader: objectList,
    rows: [
      [[{ a: 1 }, { b: 2 }], [{ path: 'at.k[0]', value: { a: 1 } }, { path: 'at.k[1]', value: { b: 2 } }]],
      [{ a: 1 }, [{ path: 'at.k[0]', value: { a: 1 } }]],
      [[{}, null], 'wrong at.k[1]'],
      ['a', 'wrong at.k[0]'],
    ],
  },
};

for (const [name, { reader, rows }] of Object.entries(tables)) {
  void t.test(name, async (t) => {
    for (const [value, expected] of rows) t.strictSame(readValue(reader, value), expected, JSON.stringify(value));
    const nothing = name === 'textList' || name === 'objectList' ? [] : undefined;
    for (const value of [undefined, null, '']) t.strictSame(readValue(reader, value), nothing, `missing as ${JSON.stringify(value)}`);
  });
}

void t.test('a root that is no object is the wrong body', async (t) => {
  for (const value of [null, [], 'text', 1, undefined]) {
    t.match(t.throws(() => rootFields(value)), { reason: 'invalid_field', field: 'body' });
    t.match(t.throws(() => rootFields(value, 'DevEUI_uplink')), { field: 'DevEUI_uplink' });
  }
  t.strictSame(rootFields({ a: 1 }), { path: '', value: { a: 1 } });
});

void t.test('paths have no dot in front at the root', async (t) => {
  t.equal(pathOf({ path: '', value: {} }, 'k'), 'k');
  t.equal(pathOf({ path: 'a.b', value: {} }, 'k'), 'a.b.k');
});

void t.test('what is required is there or named', async (t) => {
  const fields = rootFields({ zero: 0, no: false });
  t.equal(required(numberField(fields, 'zero'), fields, 'zero'), 0);
  t.equal(required(booleanField(fields, 'no'), fields, 'no'), false);
  t.match(t.throws(() => required(textField(fields, 'other'), fields, 'other')), { reason: 'invalid_field', field: 'other', message: 'other: is required' });
});

void t.test('keys of the prototype are no fields', async (t) => {
  const fields = rootFields(JSON.parse('{"__proto__":{"polluted":true},"a":1}'));
  t.strictSame(Object.keys(restOf(fields, new Set(['a'])) ?? {}), ['__proto__']);
  t.equal(({} as Record<string, unknown>).polluted, undefined);
});

void t.test('what nobody read remains, without what is missing', async (t) => {
  const fields = rootFields({ read: 1, zero: 0, no: false, empty: '', nothing: null, absent: undefined, list: [] });
  t.strictSame(restOf(fields, new Set(['read'])), { zero: 0, no: false, list: [] });
  t.equal(restOf(fields, new Set(['read', 'zero', 'no', 'list'])), undefined);
});

void t.test('what two readers left is added to what is there', async (t) => {
  const fields = rootFields(JSON.parse('{"__proto__":{"polluted":true},"one":1,"two":2,"three":3,"empty":""}'));
  const to: Record<string, unknown> = { before: 0 };
  addRest(to, fields, new Set(['one']), new Set(['two']));
  t.strictSame(Object.entries(to), [['before', 0], ['__proto__', { polluted: true }], ['three', 3]]);
  t.equal(to['polluted'], undefined);
});

void t.test('the same time read again is the same, right or wrong', async (t) => {
  const read = (text: string): string | undefined => timeField(rootFields({ time: text }), 'time')?.iso;
  const [right, other, wrongOne] = ['2026-03-02T06:15:00Z', '2026-03-02T06:15:01Z', '2026-13-02T06:15:00Z'];
  t.strictSame([right, right, other, right].map(read), ['2026-03-02T06:15:00.000Z', '2026-03-02T06:15:00.000Z', '2026-03-02T06:15:01.000Z', '2026-03-02T06:15:00.000Z']);
  for (let times = 0; times < 2; times += 1) t.match(t.throws(() => read(wrongOne)), { reason: 'invalid_field', field: 'time' });
  t.equal(read(right), '2026-03-02T06:15:00.000Z');
});

void t.test('present keeps all but undefined', async (t) => {
  t.strictSame(present({ a: undefined, b: null, c: 0, d: '' }), { b: null, c: 0, d: '' });
});

void t.test('an instant of an epoch', async (t) => {
  t.strictSame(instantOf(1772431200123), { iso: '2026-03-02T06:00:00.123Z', ms: 1772431200123 });
});
