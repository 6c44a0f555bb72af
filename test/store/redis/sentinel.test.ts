import { writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { issueCertificate } from '../../../src/sandbox/issue-certificate.js';
import type { HostPort } from '../../../src/store/redis/redis-client.js';
import type { RedisReach } from '../../../src/store/redis/redis-options.js';
import { primaryName, startSentinelGroup, type SentinelGroup, type SentinelGroupOptions } from '../../support/redis-sentinel.js';
import { freePort } from '../../support/free-port.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';
import { newAudit, put } from '../../contracts/resource-store.js';
import { openResources } from './open-resources.js';
import { openStore, readableLogger } from './open-store.js';
import { addDownlink, survives } from './survive.js';

const groupFor = async (t: Test, options: SentinelGroupOptions = {}): Promise<SentinelGroup> => {
  const group = await startSentinelGroup(options);
  t.teardown(() => group.stop());
  return group;
};

const reachOf = ({ sentinels }: SentinelGroup): RedisReach => ({ url: `redis://${primaryName}`, sentinel: { addresses: sentinels, tls: false } });

void t.test('the primary is killed: the bridge follows to the replica, workers and blocking connections too', async (t) => {
  const group = await groupFor(t);
  const first = await group.primary();
  await survives(t, reachOf(group), async () => {
    await first.kill();
    await group.untilMoved(first);
  }, { mayLose: true });
  t.not((await group.primary()).port, first.port);
});

void t.test('SENTINEL FAILOVER: the former primary goes on as a replica, and gets no writes', async (t) => {
  const group = await groupFor(t);
  const first = await group.primary();
  await survives(t, reachOf(group), async () => {
    await group.failover();
    await group.untilMoved(first);
  }, { mayLose: true });
});

void t.test('the primary stands still until another took over, and comes to itself', async (t) => {
  const group = await groupFor(t);
  const first = await group.primary();
  await survives(t, reachOf(group), async () => {
    first.pause();
    await group.untilMoved(first);
    first.resume();
  }, { mayLose: true });
});

/** A store, what its link says, and a look whether it takes downlinks: the first that fails says that the link is away. */
const openLink = async (t: Test, group: SentinelGroup) => {
  const { logger, lines } = readableLogger();
  const { url, ...reach } = reachOf(group);
  const store = await openStore(t, url, { ...reach, logger });
  let added = 0;
  return {
    said: () => lines.map(({ msg }) => msg),
    async takes() {
      for (const _ of Array.from({ length: 50 })) await addDownlink(store, `d-${added++}`, 'a');
    },
  };
};

void t.test('a Sentinel that hears of the failover when the bridge has followed it does not end the new connection', async (t) => {
  const group = await groupFor(t);
  const first = await group.primary();
  const link = await openLink(t, group);
  const heard = new Redis({ ...(group.sentinels[2] as HostPort), protocol: 2 });
  t.teardown(() => heard.disconnect());
  let late = 0;
  heard.on('message', () => { late += 1; });
  await heard.subscribe('+switch-master');
  const last = await group.forgetLast();
  await group.failover();
  await until('the bridge followed', () => link.said().length === 2);
  await link.takes();
  t.equal(late, 0, 'the late one is late');
  await last.knowsFirst();
  await until('the late one hears of it', () => late === 1);
  await link.takes();
  t.same(link.said(), ['redis cannot be used', 'redis is usable']);
  t.not((await group.primary()).port, first.port);
});

void t.test('a failover of another primary that the same Sentinels watch does not concern the bridge', async (t) => {
  const group = await groupFor(t);
  const link = await openLink(t, group);
  const another = await group.watchAnother('another');
  t.teardown(() => another.stop());
  await another.failover();
  await link.takes();
  t.same(link.said(), []);
});

void t.test('another replica of the bridge hears of changes after a failover', async (t) => {
  const group = await groupFor(t);
  const first = await group.primary();
  const reach = reachOf(group);
  const [one, other] = [await openResources(t, reach.url, reach, { pollMs: 3_600_000 }), await openResources(t, reach.url, reach, { pollMs: 3_600_000 })];
  let heard = 0;
  other.resources.onChange(() => void other.resources.read().then(({ version }) => { heard = Math.max(heard, version); }, () => undefined));
  const version = async (): Promise<number> => (await one.resources.read()).version;
  await one.resources.write([put('a')], 0, newAudit('a'));
  const write = async (): Promise<unknown> => one.resources.write([put('b')], await version(), newAudit('b'));
  const before = await version();
  const former = new Redis(first.url);
  t.teardown(() => former.disconnect());
  await former.set('seen', 'by the replica too');
  t.equal(await former.wait(1, 20_000), 1, 'the replica has all that was written');
  await until('the first change', () => heard >= before);
  await group.failover();
  await group.untilMoved(first);
  // What it still takes until then is lost.
  await until('the former primary is a replica', async () => (await former.role())[0] === 'slave');
  await until('a write', () => write().then(() => true, () => false));
  const after = await version();
  t.ok(after > before);
  await until('the second change', () => heard >= after);
});

void t.test('TLS and passwords, for Redis and for the Sentinels', async (t) => {
  const ca = await issueCertificate('ca', 'Test CA');
  const server = await issueCertificate('server', 'redis', ca);
  const dir = testDir(t);
  for (const [name, text] of [['ca', ca.certificate], ['cert', server.certificate], ['key', server.privateKey]] as const) writeFileSync(`${dir}/${name}.pem`, text);
  const tls = { 'tls-cert-file': `${dir}/cert.pem`, 'tls-key-file': `${dir}/key.pem`, 'tls-ca-cert-file': `${dir}/ca.pem`, 'tls-auth-clients': 'no', 'tls-replication': 'yes' };
  const group = await groupFor(t, {
    tls: true,
    settings: { ...tls, requirepass: 'of-redis', masterauth: 'of-redis' },
    sentinelSettings: [...Object.entries(tls).map(([name, value]) => `${name} ${value}`), 'requirepass of-sentinels'],
    watchSettings: [`sentinel auth-pass ${primaryName} of-redis`],
    sentinelClient: { password: 'of-sentinels', tls: { ca: ca.certificate } },
  });
  const reach = { url: `rediss://:of-redis@${primaryName}`, ca: ca.certificate, sentinel: { addresses: group.sentinels, password: 'of-sentinels', tls: true } };
  const first = await group.primary();
  await survives(t, reach, async () => {
    await first.kill();
    await group.untilMoved(first);
  }, { mayLose: true });
  const wrong = await openStore(t, reach.url, { ...reach, sentinel: { ...reach.sentinel, password: 'wrong-pa55' } });
  t.match(wrong.problem(), { reason: 'redis_unavailable', detail: /sentinel/ });
  t.notMatch(JSON.stringify(wrong.problem()), /pa55|of-redis/, 'no password anywhere');
});

void t.test('no Sentinel answers, or none knows the name: it is said, and a Sentinel that comes is used', async (t) => {
  const group = await groupFor(t);
  const [gone, known] = [await freePort(), group.sentinels[0]];
  const nobody = await openStore(t, `redis://${primaryName}`, { sentinel: { addresses: [{ host: '127.0.0.1', port: gone }], tls: false } });
  t.match(nobody.problem(), { reason: 'redis_unavailable', detail: new RegExp(`failed to connect to sentinel 127.0.0.1:${gone}`) });
  const unknown = await openStore(t, 'redis://othermaster', { sentinel: { addresses: group.sentinels, tls: false } });
  t.match(unknown.problem(), { reason: 'redis_unavailable', detail: /sentinel .* got an invalid reply: null/ });
  const one = await openStore(t, `redis://${primaryName}`, { sentinel: { addresses: [{ host: '127.0.0.1', port: gone }, ...(known === undefined ? [] : [known])], tls: false } });
  t.equal(one.problem(), undefined, 'the next one is asked');
  t.match(await addDownlink(one, 'a', 'd'), { state: 'stored' });
});
