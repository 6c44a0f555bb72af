import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { openTokenFile } from '../../../src/store/local/tokens.js';
import { newToken, tokenStoreContract } from '../../contracts/token-store.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';

const program = fileURLToPath(new URL('./add-tokens.js', import.meta.url));

void t.test('the contract of the token store', (t) =>
  tokenStoreContract(t, async (t) => {
    const dataDir = testDir(t);
    return { open: async () => openTokenFile({ dataDir }) };
  }),
);

void t.test('the file is made on first use, for its owner alone, and holds no token in clear text', async (t) => {
  const dataDir = `${testDir(t)}/not/yet`;
  const store = openTokenFile({ dataDir });
  t.strictSame(await store.list(), []);
  t.notOk(existsSync(dataDir), 'reading makes nothing');
  await store.add(newToken('a'));
  t.equal(statSync(`${dataDir}/tokens.json`).mode & 0o777, 0o600);
  t.strictSame(JSON.parse(readFileSync(`${dataDir}/tokens.json`, 'utf8')), { tokens: [newToken('a')] });
  t.same(readdirSync(dataDir).filter((name) => name !== 'tokens.lock'), ['tokens.json'], 'no draft is left');
});

void t.test('two processes that change it at the same time lose nothing', async (t) => {
  const dataDir = testDir(t);
  const store = openTokenFile({ dataDir });
  await Promise.all([...['a', 'b'].map((prefix) => promisify(execFile)(process.execPath, [program, dataDir, prefix, '15'])), ...Array.from({ length: 15 }, (_, index) => store.add(newToken(`own-${index}`)))]);
  await until('all are known', async () => (await store.list()).length === 45);
  t.equal(new Set((await openTokenFile({ dataDir }).list()).map(({ name }) => name)).size, 45);
});

void t.test('a process that is killed leaves a whole file and no lock', async (t) => {
  const dataDir = testDir(t);
  const child = spawn(process.execPath, [program, dataDir, 'c', '100000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (said += text));
  await until('it has made some', () => said.split('\n').length > 10);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = openTokenFile({ dataDir });
  const names = new Set((await store.list()).map(({ name }) => name));
  t.same(said.split('\n').slice(0, -1).filter((name) => !names.has(name)), [], 'all that it was told are there');
  await store.add(newToken('after'));
  t.ok(await store.find(newToken('after').hash));
});

void t.test('a damaged file is refused and named, never treated as empty, and never overwritten', async (t) => {
  const dataDir = testDir(t);
  const path = `${dataDir}/tokens.json`;
  const token = newToken('a');
  const damages = [
    '', 'not JSON', '[]', '{}', 'null', '{"tokens":{}}', '{"tokens":[null]}',
    ...[{ id: '' }, { role: 'root' }, { hash: token.hash.toUpperCase() }, { hash: 'secret-marker' }, { createdAt: 'yesterday' }, { expiresAt: null }, { name: 7 }].map((wrong) => JSON.stringify({ tokens: [{ ...token, ...wrong }] })),
  ];
  for (const text of damages) {
    writeFileSync(path, text);
    const store = openTokenFile({ dataDir });
    for (const use of [store.list(), store.find(token.hash), store.add(newToken('b')), store.remove(token.id)]) {
      const error: unknown = await use.then(() => undefined, (thrown: unknown) => thrown);
      t.match(error, { name: 'BridgeError', reason: 'store_unavailable', message: /tokens\.json is damaged \(.*\), so no token is accepted/ }, text);
      t.notOk(String(error).includes('marker'), 'nothing of what stands there is said');
    }
    t.equal(readFileSync(path, 'utf8'), text, 'it is as it was');
  }
});

void t.test('a file that is damaged while the daemon runs lets nobody in; repaired, it does again', async (t) => {
  const dataDir = testDir(t);
  const store = openTokenFile({ dataDir });
  const token = newToken('a');
  await store.add(token);
  const text = readFileSync(`${dataDir}/tokens.json`, 'utf8');
  writeFileSync(`${dataDir}/tokens.json`, text.slice(0, 40));
  await until('it is refused', () => store.find(token.hash).then(() => false, () => true));
  writeFileSync(`${dataDir}/tokens.json`, text);
  await until('it is found again', () => store.find(token.hash).then((found) => found !== undefined, () => false));
  rmSync(`${dataDir}/tokens.json`);
  await until('a removed file has no tokens', async () => (await store.list()).length === 0);
});

void t.test('a place that cannot be read or written is an error that names the file', async (t) => {
  const dir = testDir(t, { file: 'not a folder' });
  const inFile = openTokenFile({ dataDir: `${dir}/file` });
  await t.rejects(inFile.list(), { reason: 'store_unavailable', message: /tokens\.json/ });
  await t.rejects(inFile.add(newToken('a')), { reason: 'store_unavailable', message: /tokens\.json/ });
  mkdirSync(`${dir}/data/tokens.json`, { recursive: true });
  const folder = openTokenFile({ dataDir: `${dir}/data` });
  await t.rejects(folder.list(), { reason: 'store_unavailable', message: /tokens\.json/ });
  await t.rejects(folder.add(newToken('a')), { reason: 'store_unavailable', message: /tokens\.json/ });
});
