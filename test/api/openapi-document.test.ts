import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { parse } from 'yaml';
import { hashToken } from '../../src/api/tokens.js';
import type { Call } from './support/call.js';
import type { OpenApiDocument, Operation } from './support/document-check.js';
import { fill, openApi } from './support/open-api.js';

const publicOperations = new Set(['getLive', 'getReady']);

interface Named {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const operationsOf = ({ paths }: OpenApiDocument): Named[] =>
  Object.entries(paths).flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, operation]) => ({ method: verb.toUpperCase(), path, operation })));

/** Every example of the body; undefined where there is no body. */
const bodiesOf = ({ requestBody }: Operation): readonly unknown[] => {
  const media = requestBody?.content['application/json'];
  if (media === undefined) return [undefined];
  return media.examples === undefined ? [media.example] : Object.values(media.examples).map(({ value }) => value);
};

/** Each operation with its examples: with what it must have, and with every parameter that has an example. */
const callsOf = ({ method, path, operation }: Named): Call[] => {
  const parameters = operation.parameters ?? [];
  const place = (one: string, { name, example }: { readonly name: string; readonly example?: unknown }): string => one.replace(`{${name}}`, encodeURIComponent(String(example)));
  const address = parameters.filter((one) => one.in === 'path').reduce(place, path);
  const query = parameters.filter((one) => one.in === 'query' && one.example !== undefined).map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`);
  const bodies = bodiesOf(operation);
  const addresses = [...new Set([...(method === 'DELETE' && query.length > 0 ? [] : [address]), query.length === 0 ? address : `${address}?${query.join('&')}`])];
  return addresses.flatMap((one) => bodies.map((body) => ({ method, path: one, ...(body === undefined ? {} : { body }) })));
};

void t.test('the document is OpenAPI 3.1, the same as JSON and as YAML', async (t) => {
  const api = await openApi(t);
  const { document } = api;
  t.equal(document['openapi'], '3.1.0');
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  t.ok(valid, JSON.stringify(errors));
  t.strictSame(parse((await api.call({ path: '/openapi.yaml' })).text), document);
  t.match(document['components'], { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: { Problem: { type: 'object' }, Reason: { type: 'string' } } });
  t.notMatch(JSON.stringify(document), /https?:\/\//, 'it names nothing elsewhere');
});

void t.test('each operation says what it is, who may use it, and how it can fail', async (t) => {
  const { document } = await openApi(t, { authenticate: 'always', openPaths: ['metrics'] });
  const operations = operationsOf(document);
  const tags = new Set((document['tags'] as { name: string }[]).map(({ name }) => name));
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length, 'every operationId once');
  for (const { method, path, operation } of operations) {
    const name = `${method} ${path}`;
    const open = publicOperations.has(operation.operationId) || path === '/metrics';
    t.match(operation, { summary: String, description: String, operationId: /^[a-z][A-Za-z]+$/, responses: { default: {} } }, name);
    t.ok((operation['tags'] as string[]).every((tag) => tags.has(tag)), `${name}: its tag is explained`);
    t.same(operation['security'], open ? [] : [{ bearer: [] }], name);
    t.same(operation['x-role'], open ? undefined : operation['x-role'] ?? 'none', name);
    t.ok(open || /Role: `(read|operate|admin)`\.$/.test(String(operation['description'])), `${name}: the role is told`);
    t.equal('401' in operation.responses, !open, name);
    for (const { name: parameter, in: place, example } of operation.parameters ?? []) t.ok(place === 'query' || example !== undefined, `${name}: ${parameter} has an example`);
    if (operation.requestBody !== undefined) t.ok(bodiesOf(operation).every((body) => body !== undefined), `${name}: the body has an example`);
  }
  t.strictSame(
    operations.map(({ method, path, operation }) => `${String(operation['x-role'])} ${method} ${path}`).sort(),
    [
      'undefined GET /live', 'undefined GET /metrics', 'undefined GET /ready',
      'read GET /health', 'read GET /openapi.json', 'read GET /openapi.yaml', 'read GET /events', 'read GET /devices', 'read GET /devices/{id}', 'read GET /downlinks/{id}',
      'read GET /parked-messages', 'read GET /parked-messages/{id}',
      'operate POST /downlinks', 'operate DELETE /devices/{id}/downlinks', 'operate POST /parked-messages/replay', 'operate POST /parked-messages/{id}/replay',
      'admin DELETE /parked-messages', 'admin DELETE /parked-messages/{id}', 'admin GET /audit', 'admin GET /tokens', 'admin POST /tokens', 'admin DELETE /tokens/{id}',
    ].sort(),
  );
});

void t.test('every example in the document runs, with the least role that it names, and is answered as documented', async (t) => {
  const { document } = await openApi(t);
  const calls = operationsOf(document).flatMap((named) => callsOf(named).map((call) => ({ call, role: named.operation['x-role'] as 'read' | 'operate' | 'admin' | undefined })));
  const reading = calls.filter(({ call }) => call.method === 'GET');
  const changing = calls.filter(({ call }) => call.method !== 'GET');
  t.ok(reading.length > 15 && changing.length > 8);

  const run = async (chosen: typeof calls): Promise<void> => {
    const api = await openApi(t, { authenticate: 'always' });
    await fill(api);
    await api.bridge.tokens.add({ id: '0123456789abcdef', name: 'example', role: 'read', hash: hashToken('example'), createdAt: 0 });
    for (const { call, role } of chosen) {
      const answer = await api.call({ ...call, ...(role === undefined ? {} : { as: role }) });
      t.ok(answer.status < 300, `${call.method} ${call.path}: ${answer.status} ${answer.status < 300 ? '' : answer.text}`);
    }
  };
  await run(reading);
  // What was replayed or deleted cannot be deleted or replayed again.
  const once = changing.filter(({ call }) => /^\/parked-messages\/\d/.test(call.path));
  t.equal(once.length, 2);
  for (const change of once) await run([change]);
  await run(changing.filter((change) => !once.includes(change)));
});
