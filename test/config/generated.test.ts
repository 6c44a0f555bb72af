import { readFileSync, existsSync } from 'node:fs';
import t from 'tap';
import { configTable, replaceBetween } from '../../src/config/config-table.js';
import { exampleYaml } from '../../src/config/example-yaml.js';
import { createTestCertificates } from '../support/certificates.js';
import { configFolder, load, problemsOf } from './config-folder.js';

const certificates = await createTestCertificates();
const env = { FACTORY_KEY: 'k', CHIRPSTACK_TOKEN: 't', FACTORY_PASSWORD: 'p', FACTORY_TOKEN: 't', THINGPARK_KEY: 'k', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', THINGPARK_AS_KEY: 'k', REDIS_URL: 'redis://localhost', REDIS_SENTINEL_PASSWORD: 'p', SECRETS_KEY: 'a'.repeat(64), OLD_SECRETS_KEY: 'b'.repeat(64) };

void t.test('config/bridge.example.yaml is what the schema gives (npm run docs)', async (t) => {
  t.equal(readFileSync('config/bridge.example.yaml', 'utf8'), exampleYaml());
});

void t.test('the README table is what the schema gives (npm run docs)', async (t) => {
  const readme = existsSync('README.md') ? readFileSync('README.md', 'utf8') : '';
  const text = readme.includes('<!-- config:start -->') ? readme : '<!-- config:start -->\n<!-- config:end -->';
  const generated = replaceBetween(text, 'config', configTable());
  t.ok(generated.includes(configTable()));
  if (text === readme) t.equal(readme, generated);
});

void t.test('the example is a valid configuration', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': exampleYaml() });
  t.same(problemsOf(folder, env), []);
  t.equal(load(folder, env).config.connections[0]?.configuration.maxClients, 10);
});

/** The example with every line of settings made live, except those that exclude one another or would name files. */
const allLive = (): string =>
  exampleYaml()
    .split('\n')
    .map((line) => line.replace(/^( *)#(?=[ a-zA-Z]+:| {2})(?! [A-Z`])/, '$1'))
    .filter((line) => !/^ *(none: true|accountPrefix|certificateId|port: 443|cluster: )/.test(line))
    .join('\n');

void t.test('every commented setting of the example is a known key with a right value', async (t) => {
  const folder = configFolder(t, certificates, { 'bridge.yaml': allLive().replace(/certs\/(ingress|private)/g, 'certs/bridge').replace(/certs\/(network-server|redis)-ca/g, 'certs/ca') });
  t.same(problemsOf(folder, env), [
    'networkServers[0].authenticate: takes one way of proof, not header and basic and bearer and token',
    'networkServers[0].fields: is for kind sigfox only',
    'networkServers[0].batchPattern: is for kind sigfox only',
    'networkServers[0].authenticate.token: is for kind thingpark only',
    ...['asId: is for kind thingpark', 'asKey: is for kind thingpark', 'applicationId: is for kind the-things-stack', 'webhookId: is for kind the-things-stack', 'allowedHosts: is for kind the-things-stack', 'mailbox: is for kind sigfox'].map((key) => `networkServers[0].downlink.${key} only`),
  ]);
});

void t.test('the table names every key with its environment variable and default', async (t) => {
  const rows = configTable().split('\n');
  t.equal(rows[0], '| Key | Value | Default | Environment | What it is |');
  const row = (key: string): string => rows.find((line) => line.startsWith(`| \`${key}\``)) ?? '';
  t.match(row('ingress.port'), '| 0 … 65535 | `8080` | `LPWAN_INGRESS_PORT` |');
  t.match(row('ingress.tls.privateKey'), '| `ingress.tls.privateKey` or `privateKey_file` | PEM, secret | required | `LPWAN_INGRESS_TLS_PRIVATE_KEY` |');
  t.match(row('networkServers[].authenticate.header.value'), '| secret | required | – |');
  t.match(row('connections[].configuration.payloadFormat'), '`original` for actility-aws-iot');
  t.match(row('connections[].configuration.uplinkTimeValidity'), '| – | – |');
  t.ok(rows.every((line) => line.split(/(?<!\\)\|/).length === 7), 'five cells each');
  t.ok(rows.slice(2).every((line) => !/\|\s+\|/.test(line)), 'no empty cell');
});

void t.test('replaceBetween', async (t) => {
  t.equal(replaceBetween('a\n<!-- x:start -->\nold\n<!-- x:end -->\nb', 'x', 'new $& $1'), 'a\n<!-- x:start -->\nnew $& $1\n<!-- x:end -->\nb');
  for (const text of ['', '<!-- x:start -->', '<!-- x:end --><!-- x:start -->', '<!-- x:start --><!-- x:end --><!-- x:end -->']) t.throws(() => replaceBetween(text, 'x', ''), /once each/);
});
