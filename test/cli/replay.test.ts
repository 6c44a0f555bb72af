import Fastify from 'fastify';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { replayCommand } from '../../src/cli/replay.js';
import { runCommand } from '../support/run-command.js';
import { testDir } from '../support/test-dir.js';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly key: string | undefined;
  readonly body: string;
}

/** A listener that keeps what it gets; a body that holds `bad` is refused as the bridge refuses. */
const listen = async (t: Test): Promise<{ readonly url: string; readonly received: Received[] }> => {
  const received: Received[] = [];
  const server = Fastify();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.all('/in/*', async ({ method, url, headers, body }, reply) => {
    const text = Buffer.isBuffer(body) ? body.toString() : '';
    received.push({ method, url, contentType: headers['content-type'], key: headers['x-api-key']?.toString(), body: text });
    if (!text.includes('bad')) return reply.code(204).send();
    return reply.code(400).type('application/problem+json').send({ reason: 'invalid_field', title: 'A field is wrong', detail: 'fPort: must be a number', status: 400 });
  });
  t.teardown(() => server.close());
  return { url: `${await server.listen({ host: '127.0.0.1', port: 0 })}/in/factory`, received };
};

void t.test('posts each file as its extension says', async (t) => {
  const { url, received } = await listen(t);
  const dir = testDir(t, { 'a.json': '{"a":1}', 'b.xml': '<b/>', 'c.txt': 'c', 'd.form': 'd=1' });
  const files = ['a.json', 'b.xml', 'c.txt', 'd.form'].map((name) => join(dir, name));
  const { code, stdout, stderr } = await runCommand(replayCommand, [...files, '--url', url, '--header', 'x-api-key: k1', '--query', 'event=up']);
  t.equal(stderr, '');
  t.equal(code, 0);
  t.equal(stdout, files.map((file) => `${file}: 204\n`).join(''));
  t.same(received.map(({ contentType, body }) => [contentType, body]), [['application/json', '{"a":1}'], ['application/xml', '<b/>'], ['text/plain', 'c'], ['application/x-www-form-urlencoded', 'd=1']]);
  for (const { method, url: path, key } of received) t.same([method, path, key], ['POST', '/in/factory?event=up', 'k1']);
});

void t.test('a capture gives method, path, query and headers', async (t) => {
  const { url, received } = await listen(t);
  const capture = { request: { method: 'PUT', path: '/up', query: 'event=up', headers: { 'x-api-key': 'captured', host: 'elsewhere' }, contentType: 'text/plain' }, body: 'raw' };
  const get = { request: { method: 'GET', query: 'id=4d1a2b' } };
  const dir = testDir(t, { 'put.json': JSON.stringify(capture), 'get.json': JSON.stringify(get) });
  const { code } = await runCommand(replayCommand, [join(dir, 'put.json'), join(dir, 'get.json'), '--url', url]);
  t.equal(code, 0);
  t.match(received, [
    { method: 'PUT', url: '/in/factory/up?event=up', contentType: 'text/plain', key: 'captured', body: 'raw' },
    { method: 'GET', url: '/in/factory?id=4d1a2b', body: '' },
  ]);
});

void t.test('--content-type and --repeat', async (t) => {
  const { url, received } = await listen(t);
  const file = join(testDir(t, { 'a.json': '{}' }), 'a.json');
  const { code, stdout } = await runCommand(replayCommand, [file, '--url', url, '--content-type', 'application/vnd.test+json', '--repeat', '5', '--concurrency', '2']);
  t.equal(code, 0);
  t.equal(stdout, `${file}: 204 (5 times)\n`);
  t.same(received.map(({ contentType }) => contentType), Array.from({ length: 5 }, () => 'application/vnd.test+json'));
});

void t.test('an answer that is not 2xx shows its reason, and the exit code is 1', async (t) => {
  const { url } = await listen(t);
  const dir = testDir(t, { 'bad.json': '{"bad":1}', 'good.json': '{}' });
  const { code, stdout } = await runCommand(replayCommand, [join(dir, 'bad.json'), join(dir, 'good.json'), '--url', url]);
  t.equal(code, 1);
  t.equal(stdout, `${join(dir, 'bad.json')}: 400 invalid_field: fPort: must be a number\n${join(dir, 'good.json')}: 204\n`);
});

void t.test('no answer and no file: exit code 1', async (t) => {
  const closed = Fastify();
  const url = await closed.listen({ host: '127.0.0.1', port: 0 });
  await closed.close();
  const file = join(testDir(t, { 'a.json': '{}' }), 'a.json');
  const refused = await runCommand(replayCommand, [file, '--url', `${url}/in/factory`]);
  t.equal(refused.code, 1);
  t.match(refused.stdout, `${file}: no answer: `);
  const missing = await runCommand(replayCommand, [`${file}.none`, '--url', `${url}/in/factory`]);
  t.equal(missing.code, 1);
  t.match(missing.stderr, 'ENOENT');
});

void t.test('wrong arguments end with 2', async (t) => {
  const url = ['--url', 'http://127.0.0.1:1/in/factory'];
  for (const args of [[], ['a.json'], url, ['a.json', '--url', 'nowhere'], ['a.json', ...url, '--repeat', '0'], ['a.json', ...url, '--concurrency', 'x'], ['a.json', ...url, '--header', 'none']]) {
    const { code, stderr } = await runCommand(replayCommand, args);
    t.equal(code, 2, args.join(' '));
    t.not(stderr, '');
  }
});
