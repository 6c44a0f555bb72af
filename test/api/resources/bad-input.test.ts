import t, { type Test } from 'tap';
import type { ResourceKind } from '../../../src/api/ports.js';
import { kindRows } from '../../../src/api/resources/kinds.js';
import { createTestCertificates } from '../../support/certificates.js';
import { openApi, wrongPaths, type Answer, type TestApi } from './support/api.js';
import { connection, flow, networkServer, type Document } from './support/documents.js';
import { fieldPaths, withValue } from './support/field-paths.js';
import { wrongValues } from './support/wrong-values.js';

const certificates = await createTestCertificates();

/** A right document of each kind, over which one thing is made wrong at a time. */
const rightOnes: Readonly<Record<ResourceKind, Document>> = {
  connection: connection(certificates, { id: 'second' }),
  'network-server': networkServer({ id: 'second' }),
  flow: flow({ id: 'second' }),
};
const kinds = Object.keys(rightOnes) as ResourceKind[];

const openWithAll = async (t: Test): Promise<TestApi> => {
  const api = await openApi(t);
  for (const [path, body] of [['/network-servers', networkServer()], ['/connections', connection(certificates, { id: 'main' })], ['/flows', flow()]] as const) {
    t.equal((await api.call({ method: 'POST', path, body })).status, 201);
  }
  return api;
};

/** The marker must not come back from anywhere. */
const refused = (t: Test, answer: Answer, path: string, what: string): void => {
  t.equal(answer.status, 400, `${what}: status ${answer.status}`);
  t.match(answer.headers, { 'content-type': /^application\/problem\+json/ });
  t.match(answer.json, { reason: 'invalid_resource', title: 'The resource is wrong', status: 400 });
  t.ok(wrongPaths(answer).includes(path), `${what}: ${path} is among ${wrongPaths(answer).join(' ')}`);
};

const brief = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 40);

const wrongTypes = (path: string): unknown[] => (path.endsWith('attributes') || path === 'fields' ? [[[]], 5] : [{ wrong: true }, [[]]]);

for (const kind of kinds) {
  const { node, path: list } = kindRows[kind];
  const right = rightOnes[kind];
  const fields = fieldPaths(node);

  void t.test(`${kind}: every key has wrong values in the table, and no other`, async (t) => {
    t.strictSame(Object.keys(wrongValues[kind]).sort(), fields.filter((field) => field.kind === 'field').map(({ path }) => path).sort());
  });

  void t.test(`${kind}: what is wrong is refused by its path, and nothing is saved`, async (t) => {
    const api = await openWithAll(t);
    const before = await api.version();
    const post = (body: unknown): Promise<Answer> => api.call({ method: 'POST', path: list, body });

    await t.test('each wrong value of each key', async (t) => {
      for (const { path, kind: form } of fields) {
        const values = form === 'field' ? [...wrongTypes(path), ...(wrongValues[kind][path] ?? []), 'x'.repeat(70_000)] : ['text', 5, true, form === 'list' ? {} : []];
        for (const value of values) refused(t, await post(withValue(right, path, value)), path, `${path} = ${brief(value)}`);
      }
    });

    await t.test('a key that is needed and missing', async (t) => {
      const needed = fields.filter(({ required, kind: form, path }) => required && form === 'field' && path !== 'configuration.payloadFormat').map(({ path }) => path);
      for (const path of needed) {
        const beside = withValue(right, path.replace(/[^.\]]+$/, 'missing'), undefined);
        refused(t, await post(withValue(beside, path, undefined)), path, `${path} is missing`);
        refused(t, await post(withValue(beside, path, null)), path, `${path} is null`);
      }
    });

    await t.test('unknown keys at every level', async (t) => {
      const sections = ['', ...fields.filter(({ kind: form }) => form === 'section').map(({ path }) => `${path}.`)];
      for (const section of sections) refused(t, await post(withValue(right, `${section}nonsense`, 1)), `${section}nonsense`, `${section}nonsense`);
      const shown = await post({ ...right, origin: 'api', state: 'OPENED' });
      t.ok(wrongPaths(shown).includes('origin'), 'what only answers have is no key of a document');
      for (const key of ['__proto__', 'constructor', 'toString']) t.equal((await post(`${JSON.stringify(right).slice(0, -1)},${JSON.stringify(key)}:{"polluted":true}}`)).status, 400, key);
    });
    t.equal(await api.version(), before, 'the store was not written');

    await t.test('PUT and PATCH refuse the same', async (t) => {
      t.equal((await post(right)).status, 201);
      const [version, saved] = [await api.version(), (await api.call({ path: `${list}/second` })).text];
      for (const { path, kind: form } of fields.filter((one) => one.path !== 'id')) {
        const wrong = form === 'field' ? [[]] : 'text';
        refused(t, await api.call({ method: 'PATCH', path: `${list}/second`, body: withValue({}, path, wrong) }), path, `PATCH ${path}`);
        refused(t, await api.call({ method: 'PUT', path: `${list}/second`, body: withValue(right, path, wrong) }), path, `PUT ${path}`);
      }
      t.equal(await api.version(), version);
      t.equal((await api.call({ path: `${list}/second` })).text, saved, 'it is as it was');
    });
  });
}

void t.test('a misspelt key gets the right one, files and variables of the server are out of reach', async (t) => {
  const api = await openWithAll(t);
  const near = await api.call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'second' }, { privatekey: 'x', max_clients: 3 }) });
  t.match(near.json, { errors: [{ path: 'configuration.privatekey', message: 'unknown key; did you mean privateKey?' }, { path: 'configuration.max_clients', message: 'unknown key; did you mean maxClients?' }] });
  const files = { certificate_file: '/etc/hostname', privateKey_file: '/etc/hostname', secretAccessKey_file: '/etc/hostname', downlinkAsKey_file: '/etc/hostname' };
  const filed = await api.call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'second' }, files) });
  t.strictSame(wrongPaths(filed), Object.keys(files).map((key) => `configuration.${key}`));
  const variable = await api.call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'second', name: '${PATH}' }) });
  t.equal(variable.status, 201);
  t.equal(variable.json['name'], '${PATH}', 'it is just text');
  const missing = await api.call({ method: 'POST', path: '/connections', body: { id: 'third', connectorId: 'aws-iot', configuration: { endpoint: 'localhost' } } });
  t.match(missing.json, { errors: [{ path: 'configuration.certificate', message: 'is required' }, { path: 'configuration.privateKey', message: 'is required' }] }, 'no file is spoken of');
});

void t.test('certificates have their own messages', async (t) => {
  const api = await openWithAll(t);
  const { cert, key, otherKey, expired, future, encryptedKey, publicKey, expiredCa } = certificates;
  const cases: readonly (readonly [Document, string, RegExp])[] = [
    [{ privateKey: otherKey }, 'configuration.privateKey', /does not belong to the certificate/],
    [{ certificate: expired }, 'configuration.certificate', /^expired on /],
    [{ certificate: future }, 'configuration.certificate', /^is not valid before /],
    [{ certificate: key }, 'configuration.certificate', /is a private key, not a certificate/],
    [{ privateKey: cert }, 'configuration.privateKey', /is a certificate, not a private key/],
    [{ privateKey: encryptedKey }, 'configuration.privateKey', /is encrypted/],
    [{ privateKey: publicKey }, 'configuration.privateKey', /is a public key, not a private key/],
    [{ caCertificate: expiredCa }, 'configuration.caCertificate', /holds only expired certificates/],
    [{ endpoint: undefined, region: 'eu-west-1', accountPrefix: 'a1b2c3d4e5f6g7' }, 'configuration.accountPrefix', /must end in -ats/],
  ];
  for (const [configuration, path, message] of cases) {
    const answer = await api.call({ method: 'POST', path: '/connections', body: connection(certificates, { id: 'second' }, configuration) });
    refused(t, answer, path, path);
    t.match((answer.json['errors'] as { path: string; message: string }[]).find((one) => one.path === path)?.message, message);
    t.notMatch(answer.text, /BEGIN|MII/, 'no PEM comes back');
  }
});

void t.test('everything wrong is told at once', async (t) => {
  const api = await openWithAll(t);
  const answer = await api.call({ method: 'POST', path: '/flows', body: { id: 'a b', name: 5, nonsense: 1, networkServers: ['gone'], connections: ['main', 'mein'], matchers: [{ fPorts: [999] }] } });
  t.strictSame(wrongPaths(answer).sort(), ['connections[1]', 'id', 'matchers[0].fPorts', 'name', 'networkServers[0]', 'nonsense']);
  t.match(answer.text, /is no connection; did you mean main\?/);
  const many = await api.call({ method: 'POST', path: '/flows', body: flow({ id: 'second', ...Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}`.padStart(300, 'k'), 1])) }) });
  t.equal(wrongPaths(many).length, 100, 'but not without end');
  t.ok(wrongPaths(many).every((path) => path.length <= 200));
});

void t.test('a body that is no JSON object is 400, one that is no JSON by its type 415, a huge one 413', async (t) => {
  const api = await openWithAll(t);
  const version = await api.version();
  const targets = [['POST', '/connections'], ['POST', '/flows'], ['POST', '/network-servers'], ['PUT', '/connections/main'], ['PATCH', '/flows/all'], ['PATCH', '/network-servers/factory']] as const;
  for (const [method, path] of targets) {
    for (const body of ['', '{', '{"id":', 'id: yaml', '\u0000', '{"a":1}x']) t.match(await api.call({ method, path, body }), { status: 400, json: { reason: 'malformed_body' } }, `${method} ${path} ${body}`);
    for (const body of ['null', '5', '"text"', '[]', '[{}]', 'true']) refused(t, await api.call({ method, path, body }), 'body', `${method} ${path} ${body}`);
    t.match(await api.call({ method, path, body: '<id/>', headers: { 'content-type': 'application/xml' } }), { status: 415, json: { reason: 'unsupported_media_type' } });
    t.match(await api.call({ method, path, body: { id: 'x'.repeat(600_000) } }), { status: 413, json: { reason: 'body_too_large' } });
    refused(t, await api.call({ method, path, body: `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}` }), 'body', 'very deep');
  }
  t.equal(await api.version(), version);
});

void t.test('unknown ids are 404, unknown parameters 400', async (t) => {
  const api = await openWithAll(t);
  for (const { path } of Object.values(kindRows)) {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
      const answer = await api.call({ method, path: `${path}/gone`, ...(method === 'PUT' || method === 'PATCH' ? { body: {} } : {}) });
      t.match(answer, { status: 404, json: { reason: 'unknown_resource' } }, `${method} ${path}/gone`);
    }
  }
  for (const [method, path] of [['GET', '/connections/MAIN'], ['GET', '/connectors/gone'], ['POST', '/connections/gone/check'], ['GET', '/connections/gone/policy'], ['GET', '/connections/gone/events'], ['GET', '/network-servers/gone/events'], ['POST', '/connections/gone/things/sync']] as const) {
    t.match(await api.call({ method, path }), { status: 404, json: { reason: 'unknown_resource' } }, `${method} ${path}`);
  }
  const wrong: readonly (readonly ['GET' | 'POST' | 'DELETE', string, string])[] = [
    ['GET', '/connections?limit=0', 'limit'],
    ['GET', '/connections?limit=201', 'limit'],
    ['GET', '/connections?limit=many', 'limit'],
    ['GET', '/connections?active=maybe', 'active'],
    ['GET', '/connections?origin=somewhere', 'origin'],
    ['GET', '/connections?serach=x', 'serach'],
    ['GET', '/connections?search=a&search=b', 'search'],
    ['GET', '/flows?connectorId=aws-iot', 'connectorId'],
    ['GET', '/network-servers?kind=loriot', 'kind'],
    ['POST', '/connections?dryrun=true', 'dryrun'],
    ['POST', '/connections?dryRun=maybe', 'dryRun'],
    ['DELETE', '/connections/main?backlog=burn', 'backlog'],
    ['DELETE', '/flows/all?backlog=park', 'backlog'],
    ['GET', '/connections/main/events?limit=9999', 'limit'],
  ];
  for (const [method, path, parameter] of wrong) {
    const answer = await api.call({ method, path, ...(method === 'POST' ? { body: rightOnes.connection } : {}) });
    t.match(answer, { status: 400, json: { reason: 'invalid_field', errors: [{ path: parameter }] } }, path);
  }
  t.match((await api.call({ path: '/connections?serch=x' })).text, /did you mean search/);
  for (const after of ['%20', 'not a cursor', '@@@', '===']) t.match(await api.call({ path: `/connections?after=${encodeURIComponent(after)}` }), { status: 400, json: { reason: 'invalid_field', field: 'after' } }, after);
});
