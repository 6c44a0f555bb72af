import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import t from 'tap';
import { z } from 'zod';
import { connectionSchema } from '../../src/config/connection.js';
import { exampleYaml } from '../../src/config/example-yaml.js';
import { flowSchema } from '../../src/config/flow.js';
import { jsonSchemaOf } from '../../src/config/json-schema.js';
import { loadConfig } from '../../src/config/load.js';
import { networkServerSchema } from '../../src/config/network-server.js';
import { resourceNode, type ResourceKind } from '../../src/config/read-resource.js';
import { bridgeSchema } from '../../src/config/schema.js';
import { nodeOf } from '../../src/config/schema-node.js';
import { createTestCertificates } from '../support/certificates.js';
import { configFolder } from './config-folder.js';

const certificates = await createTestCertificates();
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });

type Schema = z.core.$ZodType;

/** Every single key of a schema, with its path. */
const leavesOf = (schema: Schema, path = ''): (readonly [string, z.ZodType])[] => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional || schema instanceof z.ZodPrefault) return leavesOf(schema.def.innerType, path);
  if (schema instanceof z.ZodPipe && schema.def.in instanceof z.ZodTransform) return leavesOf(schema.def.out, path);
  if (schema instanceof z.ZodObject) return Object.entries(schema.shape as Record<string, Schema>).flatMap(([key, child]) => leavesOf(child, path === '' ? key : `${path}.${key}`));
  return schema instanceof z.ZodArray ? leavesOf(schema.element, `${path}[]`) : [[path, schema as z.ZodType]];
};

const leaves = leavesOf(bridgeSchema);

/** Right for some key and wrong for others. */
const values: unknown[] = [
  true, false, 'true', 0, 1, -1, 7, 1.5, 443, 1e9, 1e21, Number.MAX_SAFE_INTEGER, '5', ' 5 ', '443', '1e3', '0x10', 5, '', ' ', '\n', 'x', 'a b', 'a/b', 'none', 'normalised', 'SSL', 'aws-iot', 'uplink', 'main',
  '10s', '10 s', '10', '5m', '1ms', '9999d', '2GB', '512KiB', 2_000_000, 'localhost', 'localhost:8883', 'https://localhost', 'HTTPS://localhost', ' https://localhost', 'ht\ntps://localhost', 'ftp://localhost', 'https://u:p@localhost', 'redis://localhost',
  'eu-west-1', 'abc-ats', 'abc', 'tpx/{DevEUI}/uplink', '{DevEUI}', '{DevEUI', 'a/+', '08:00', '24:00', '25:00', '2019-01-31T09:00:00+01:00', 'Europe/Paris', 'weekly', 'WEEKLY', 'CALM', 'ab'.repeat(32), 'arn:aws:iam::123456789012:role/x',
  `arn:aws:iot:eu-west-1:123456789012:cert/${'ab'.repeat(32)}`, 'x'.repeat(128), 'x'.repeat(201), 'x'.repeat(513), 'x'.repeat(1_025), 'x'.repeat(65_537), certificates.cert, certificates.key, certificates.ca,
  [], ['x'], ['main'], [1], [''], [null], ['uplink'], ['MO', 'friday'], ['10-20', 1, ' 7 ', 300], ['0018b20000000001-0018b200000000ff'], ['10.0.0.0/8'], ['example.org:8080'], ['health'], ['ab'.repeat(32)], [['a']], Array.from({ length: 1_001 }, () => 'main'),
  {}, { a: 'b' }, { a: 1 }, { 'a b': 'c' }, { a: '' }, Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`a${index}`, 'x'])),
];

void t.test('every key says its type in JSON Schema', async (t) => {
  t.ok(leaves.length > 100, `${leaves.length} keys`);
  for (const [path, leaf] of leaves) t.ok(Object.hasOwn(jsonSchemaOf(nodeOf(leaf)), 'type'), path);
});

void t.test('what the schema refuses is refused by the reader; numbers and truths also the other way round', async (t) => {
  for (const [path, leaf] of leaves) {
    const validate = ajv.compile(jsonSchemaOf(nodeOf(leaf)));
    const refused = values.filter((value) => !validate(value));
    t.ok(refused.length > 0, `${path}: the schema refuses something`);
    t.same(refused.filter((value) => leaf.safeParse(value).success), [], `${path}: the reader is no kinder`);
    const plain = values.filter((value) => typeof value === 'number' || typeof value === 'boolean');
    t.same(plain.filter((value) => validate(value) && !leaf.safeParse(value).success), [], `${path}: the schema is no kinder`);
  }
});

void t.test('examples and defaults are right for schema and reader', async (t) => {
  for (const [path, leaf] of leaves) {
    const schema = jsonSchemaOf(nodeOf(leaf)) as { readonly examples?: readonly unknown[] };
    for (const example of schema.examples ?? []) {
      t.ok(ajv.compile(schema)(example), `${path}: ${JSON.stringify(example)} by the schema`);
      t.ok(leaf.safeParse(example).success, `${path}: ${JSON.stringify(example)} by the reader`);
    }
  }
  t.ok(ajv.compile({ ...jsonSchemaOf(nodeOf(bridgeSchema)) })({}), 'nothing is required of the whole');
});

const kinds: readonly (readonly [ResourceKind, Schema])[] = [['connection', connectionSchema], ['network-server', networkServerSchema], ['flow', flowSchema]];

/** Every object and every secret of a JSON Schema. */
const partsOf = (schema: unknown): Record<string, unknown>[] =>
  typeof schema === 'object' && schema !== null ? [schema as Record<string, unknown>, ...Object.values(schema).flatMap(partsOf)] : [];

void t.test('the schemas of the resources are closed, and write secrets only', async (t) => {
  for (const [kind, schema] of kinds) {
    const json = jsonSchemaOf(resourceNode(kind));
    ajv.compile(json);
    t.notOk((json['required'] as string[]).includes('id'), `${kind}: the id may be left out`);
    t.ok((jsonSchemaOf(nodeOf(schema))['required'] as string[]).includes('id'), `${kind}: but not in the file`);
    for (const part of partsOf(json)) if (part['type'] === 'object') t.ok(part['additionalProperties'] !== undefined, JSON.stringify(Object.keys(part)));
  }
  const secrets = leaves.filter(([, leaf]) => jsonSchemaOf(nodeOf(leaf))['writeOnly'] === true).map(([path]) => path);
  t.match(new Set(secrets), new Set(['secrets.key', 'redis.url', 'networkServers[].authenticate.bearer', 'connections[].configuration.privateKey', 'connections[].configuration.secretAccessKey', 'connections[].configuration.downlinkAsKey']));
  t.notOk(secrets.includes('connections[].configuration.certificate'));
});

const env = { FACTORY_KEY: 'k', CHIRPSTACK_TOKEN: 't' };

void t.test('the resources of the example configuration are right by the schemas', async (t) => {
  const flow = '\nflows: [{ id: f, connections: [main], matchers: [{ tags: [x] }] }]\n';
  const folder = configFolder(t, certificates, { 'bridge.yaml': `${exampleYaml()}${flow}` });
  const tree = loadConfig({ file: join(folder, 'bridge.yaml'), env }).origin.tree as Readonly<Record<string, readonly unknown[]>>;
  const rows: [ResourceKind, unknown][] = [['connection', tree['connections']?.[0]], ['network-server', tree['networkServers']?.[0]], ['flow', tree['flows']?.[0]]];
  for (const [kind, document] of rows) {
    const validate = ajv.compile(jsonSchemaOf(resourceNode(kind)));
    t.ok(validate(document), `${kind} ${JSON.stringify(validate.errors)}`);
    t.notOk(validate({ ...(document as object), colour: 'red' }), `${kind} has no other keys`);
    t.notOk(validate([]), `${kind} is a mapping`);
  }
});

void t.test('`authenticate: none` is a word in place of a mapping', async (t) => {
  const validate = ajv.compile(jsonSchemaOf(resourceNode('network-server')));
  t.ok(validate({ kind: 'sigfox', authenticate: 'none' }));
  t.ok(validate({ kind: 'sigfox', authenticate: { bearer: 'x' } }));
  t.notOk(validate({ kind: 'sigfox', authenticate: 'nobody' }));
});
