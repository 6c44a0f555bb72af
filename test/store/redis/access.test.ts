import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { issueCertificate } from '../../../src/sandbox/issue-certificate.js';
import { neededCommands } from '../../../src/store/redis/permissions.js';
import { addAll, newDownlink, recordWork } from '../../contracts/downlink-store-samples.js';
import { newAudit, put } from '../../contracts/resource-store.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';
import { contractsOn } from './contracts-on.js';
import { openResources } from './open-resources.js';
import { openStore, redisFor } from './open-store.js';

const user = 'bridge';
const password = 'pässword/:';

/** The rule of docs/redis.md, as it stands there. */
const documentedRule = /^user bridge .*$/m.exec(readFileSync('docs/redis.md', 'utf8'))?.[0] ?? '';
const rulesOf = (line: string): string[] => line.split(' ').slice(2).map((rule) => (rule === '>PASSWORD' ? `>${password}` : rule));

interface GuardedRedis {
  /** With the user of the documented rule. */
  readonly url: string;
  readonly ca: string;
  readonly admin: Redis;
  /** Another user with these rules. */
  readonly urlOf: (name: string, rules: readonly string[]) => Promise<string>;
}

/** A Redis that speaks TLS only, and whose user has exactly the rights of docs/redis.md. `prefix` stands for the name of the bridge in them. */
const guardedRedis = async (t: Test, prefix = 'lpwan-bridge'): Promise<GuardedRedis> => {
  const ca = await issueCertificate('ca', 'Test CA');
  const server = await issueCertificate('server', 'redis', ca);
  const dir = testDir(t);
  writeFileSync(`${dir}/cert.pem`, server.certificate);
  writeFileSync(`${dir}/key.pem`, server.privateKey);
  const redis = await redisFor(t, { tls: true, settings: { 'tls-cert-file': `${dir}/cert.pem`, 'tls-key-file': `${dir}/key.pem`, 'tls-auth-clients': 'no', requirepass: 'admin' } });
  const admin = new Redis({ host: '127.0.0.1', port: redis.port, password: 'admin', protocol: 2, tls: { ca: ca.certificate } });
  t.teardown(() => { admin.disconnect(); });
  const urlOf = async (name: string, rules: readonly string[]): Promise<string> => {
    await admin.acl('SETUSER', name, ...rules);
    return `rediss://${name}:${encodeURIComponent(password)}@127.0.0.1:${redis.port}`;
  };
  return { url: await urlOf(user, rulesOf(documentedRule.replaceAll('lpwan-bridge', prefix))), ca: ca.certificate, admin, urlOf };
};

void t.test('the documented rule is the list that the bridge checks', (t) => {
  t.equal(documentedRule, `user bridge on >PASSWORD resetchannels ~{lpwan-bridge}:* &{lpwan-bridge}:* -@all ${neededCommands.map((command) => `+${command}`).join(' ')}`);
  t.same(neededCommands, [...neededCommands].sort());
  t.end();
});

void t.test('every command of every script is in the list', (t) => {
  const files = readdirSync('src/store/redis', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const called = files.flatMap((name) => [...readFileSync(join('src/store/redis', name), 'utf8').matchAll(/\bp?call\('([A-Z]+)'/g)].map(([, command = '']) => ({ name, command: command.toLowerCase() })));
  t.ok(called.length > 100, `${called.length} calls`);
  t.same(called.filter(({ command }) => !neededCommands.includes(command)), []);
  t.end();
});

void t.test('the contracts over TLS, as a user with exactly the documented rights', async (t) => {
  const { url, ca, admin } = await guardedRedis(t, 'place-*');
  await contractsOn(t, { url, ca });
  const denied = (await admin.acl('LOG')) as readonly (readonly unknown[])[];
  t.same(denied.map((entry) => entry.slice(2, 8).join(' ')).filter((text) => !text.includes('config')), [], 'nothing was refused but what it can do without');
});

void t.test('the keys and the channel of the documented rule', async (t) => {
  const { url, ca, admin } = await guardedRedis(t);
  const store = await openStore(t, url, { ca });
  t.equal(store.problem(), undefined);
  const work = recordWork();
  store.queue.start(work);
  await addAll(store, [newDownlink('a', 'd')]);
  await until('it leaves', () => work.handed.length === 1);
  const [one, other] = [await openResources(t, url, { ca }), await openResources(t, url, { ca }, { pollMs: 3_600_000 })];
  let told = 0;
  other.resources.onChange(() => { told += 1; });
  await until('it listens', async () => Number((await admin.pubsub('NUMSUB', '{lpwan-bridge}:resources'))[1]) >= 2);
  await one.resources.write([put('a')], 0, newAudit('a'));
  await until('the other is told', () => told > 0);
});

void t.test('a missing right is named, whichever it is', async (t) => {
  const { ca, urlOf } = await guardedRedis(t);
  const rules = rulesOf(documentedRule);
  const missing = async (lacking: string, number: number): Promise<string> => {
    const rest = [...rules.filter((rule) => rule !== lacking), ...(/^[~&]/.test(lacking) ? [`${lacking.slice(0, 1)}other:*`] : [])];
    const store = await openStore(t, `${await urlOf(`user-${number}`, rest)}/1`, { ca });
    return store.problem()?.detail ?? 'nothing';
  };
  // Those of a cluster are no matter here.
  const tried = rules.filter((rule) => /^([~&]|\+(?!cluster))/.test(rule));
  const details = await Promise.all(tried.map(missing));
  for (const [index, lacking] of tried.entries()) {
    const said = details[index] ?? '';
    // Without scripts it cannot ask for the rest, and without its keys it cannot run one: there Redis' own error tells.
    const isOwn = said.includes(lacking) || (lacking.startsWith('~') && /NOPERM.*keys/.test(said)) || (/^\+eval/.test(lacking) && new RegExp(`NOPERM.*'${lacking.slice(1)}'`).test(said));
    t.ok(isOwn, `${lacking}: ${said}`);
  }
});

void t.test('a right that comes later ends the problem', async (t) => {
  const { ca, admin, urlOf } = await guardedRedis(t);
  const url = await urlOf('late', rulesOf(documentedRule).filter((rule) => rule !== '+zadd' && rule !== '+xadd'));
  const store = await openStore(t, url, { ca });
  t.match(store.problem(), { reason: 'redis_unavailable', detail: 'the user of Redis lacks +xadd +zadd' });
  await admin.acl('SETUSER', 'late', '+zadd', '+xadd');
  await until('it is usable', () => store.problem() === undefined);
});
