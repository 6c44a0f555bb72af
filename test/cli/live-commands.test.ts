/** The commands that work on what a bridge keeps, beside a bridge that runs and after it. */
import { AttachThingPrincipalCommand, DeleteThingCommand, DescribeThingCommand, DetachThingPrincipalCommand, IoTClient } from '@aws-sdk/client-iot';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';
import { checkCommand } from '../../src/cli/check.js';
import type { Command } from '../../src/cli/command.js';
import { policyCommand } from '../../src/cli/policy.js';
import { rekeyCommand } from '../../src/cli/rekey.js';
import { thingsCommand } from '../../src/cli/things.js';
import { tokenCommand } from '../../src/cli/token.js';
import type { BridgeHome, TestBridge } from '../end-to-end/support/bridge.js';
import { runBuilt } from '../end-to-end/support/command-line.js';
import { urlOf } from '../end-to-end/support/dry-run.js';
import { accessKeyOf, deviceType, make, openConnection, postUplink, seedConnection, setLiveScene, startLiveBridge, untilState, type LiveScene } from '../end-to-end/support/live-scene.js';
import { freePort } from '../support/free-port.js';
import { runCommand, type CommandResult } from '../support/run-command.js';
import { until } from '../support/until.js';

const devEui = '0018b20000000001';
const thingName = devEui.toUpperCase();

/** Changes the configuration file of a bridge. */
const rewrite = async ({ file }: BridgeHome, changes: object): Promise<void> => writeFile(file, stringify({ ...(parse(await readFile(file, 'utf8')) as object), ...changes }));

const dataDirOf = ({ file }: BridgeHome): string => join(dirname(file), 'data');

void t.test('wrong arguments end with 2 and the usage, before anything is opened', async (t) => {
  const rows: readonly (readonly [Command, readonly string[]])[] = [
    ...[checkCommand, policyCommand].flatMap((command) => [[], ['--config', 'x'], ['main'], ['main', '--config'], ['main', '--config', 'x', '--colour', 'red']].map((args) => [command, args] as const)),
    ...[[], ['sync'], ['--config', 'x'], ['mend', 'main', '--config', 'x'], ['sync', 'main']].map((args) => [thingsCommand, args] as const),
    ...[[], ['x'], ['--config']].map((args) => [rekeyCommand, args] as const),
    ...[
      [], ['show', '--config', 'x'], ['create', '--config', 'x'], ['create', '--config', 'x', '--name', 'a'], ['create', '--config', 'x', '--name', 'a', '--role', 'king'], ['create', '--config', 'x', '--name', ' ', '--role', 'read'],
      ['create', '--config', 'x', '--name', 'a'.repeat(65), '--role', 'read'], ['create', '--config', 'x', '--name', 'a', '--role', 'read', '--expires', 'soon'], ['create', '--name', 'a', '--role', 'read'],
      ['list'], ['list', 'all', '--config', 'x'], ['remove', '--config', 'x'], ['remove', 'a', 'b', '--config', 'x'],
    ].map((args) => [tokenCommand, args] as const),
  ];
  for (const [command, args] of rows) {
    const { code, stdout, stderr } = await runCommand(command, args);
    t.equal(code, 2, `${command.name} ${args.join(' ')}`);
    t.equal(stdout, '');
    t.match(stderr, `usage: lpwan-bridge ${command.usage}`);
  }
  for (const command of [checkCommand, policyCommand, thingsCommand, rekeyCommand, tokenCommand]) {
    const { code, stdout } = await runCommand(command, ['--help']);
    t.strictSame([code, stdout.startsWith(`lpwan-bridge ${command.usage}\n`)], [0, true]);
  }
});

type Place = Pick<LiveScene, 'home' | 'bridge'>;

const addressOf = ({ home, bridge }: Place): readonly string[] => ['--config', home.file, '--url', urlOf({ bridge })];

const withToken = (token?: string): Readonly<Record<string, string>> => (token === undefined ? {} : { LPWAN_API_TOKEN: token });

/** Runs the built command with the bridge's file and address, as an operator does. */
const built = (place: Place, args: readonly string[], token?: string): Promise<CommandResult> => runBuilt([...args, ...addressOf(place)], withToken(token));

/** The same in this process, which starts sooner. */
const at = (place: Place, command: Command, args: readonly string[], token?: string): Promise<CommandResult> => runCommand(command, [...args, ...addressOf(place)], withToken(token));

const tokenFor = async (t: Test, { file }: BridgeHome, role: string): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(tokenCommand, ['create', '--config', file, '--name', `the ${role}`, '--role', role, '--expires', '1h']);
  t.equal(code, 0, stderr);
  t.match(stdout, /^lpb_[A-Za-z0-9_-]{43}\n$/, 'the token alone, so that it can be piped');
  t.match(stderr, /only its hash is kept/);
  return stdout.trim();
};

void t.test('a private API that always asks for a token, and the commands with one', async (t) => {
  const scene = await setLiveScene(t, { file: (at) => ({ private: { host: '127.0.0.1', port: 0, authenticate: 'always' }, connections: [seedConnection(at, {}, { id: 'filed', active: false })], flows: [{ id: 'filed', connections: ['filed'] }] }) });
  const { bridge, home } = scene;
  const ask = (method: string, path: string, token?: string, body?: object) => bridge.api(method, path, body, token === undefined ? {} : { authorization: `Bearer ${token}` });
  t.match(await ask('GET', '/connections'), { status: 401, json: { reason: 'token_required' }, headers: { 'www-authenticate': /^Bearer/ } });
  t.equal((await ask('GET', '/connections', `lpb_${'x'.repeat(43)}`)).status, 401);
  for (const path of ['/live', '/health', '/metrics']) t.equal((await bridge.private(path)).status, 200, `${path} needs none`);
  t.equal((await bridge.private('/ready')).status, 200);

  const tokens = { read: await tokenFor(t, home, 'read'), operate: await tokenFor(t, home, 'operate'), admin: await tokenFor(t, home, 'admin') };
  await until('the running bridge to know them', async () => (await ask('GET', '/tokens', tokens.admin)).status === 200);
  t.equal((await ask('GET', '/connections', tokens.read)).status, 200);
  const made = seedConnection(scene, {}, { id: 'made', active: false });
  for (const role of ['read', 'operate'] as const) t.match(await ask('POST', '/connections', tokens[role], made), { status: 403, json: { reason: 'role_too_low' } }, role);
  t.equal((await ask('POST', '/connections', tokens.admin, made)).status, 201);
  t.match(await ask('POST', '/connections/made/check', tokens.read), { status: 403 });
  t.match((await ask('GET', '/audit', tokens.admin)).json, { audit: [{ who: 'the admin', role: 'admin', action: 'create', kind: 'connection', id: 'made' }] });

  const [without, tooLow, enough, file, policy, policyWithout] = await Promise.all([
    at(scene, checkCommand, ['made']), at(scene, checkCommand, ['made'], tokens.read), built(scene, ['check', 'made', '--json'], tokens.operate), at(scene, checkCommand, ['filed']), built(scene, ['policy', 'made'], tokens.read), at(scene, policyCommand, ['made']),
  ]);
  t.match(without, { code: 1, stdout: '', stderr: /Authorization|token/i });
  t.match(tooLow, { code: 1, stdout: '', stderr: /operate/ });
  t.match(enough, { code: 0 });
  t.match(JSON.parse(enough.stdout), { ok: true });
  t.match(file, { code: 0, stdout: /^mqtt connect +ok /m }, 'a connection of the file is tried without the API');
  t.match(JSON.parse(policy.stdout), { iot: { Version: '2012-10-17' }, iam: { Version: '2012-10-17' } });
  t.equal(policyWithout.code, 1);

  await t.test('tokens are listed without themselves, and removed', async (t) => {
    const { stdout } = await runCommand(tokenCommand, ['list', '--config', home.file]);
    const lines = stdout.trim().split('\n');
    t.equal(lines.length, 3);
    for (const token of Object.values(tokens)) t.notOk(stdout.includes(token.slice(4)));
    t.match(lines[2], /^[0-9a-f]{16} {2}admin {4}made \d{4}-\S+Z {2}expires \d{4}-\S+Z {2}the admin$/);
    const kept = join(dataDirOf(home), 'tokens.json');
    t.notMatch(await readFile(kept, 'utf8'), /lpb_/);
    t.equal((await stat(kept)).mode & 0o777, 0o600);
    const id = lines.find((line) => line.endsWith('the read'))?.split(' ')[0] ?? '';
    t.match(await runCommand(tokenCommand, ['remove', id, '--config', home.file]), { code: 0, stdout: `removed ${id}\n` });
    t.match(await runCommand(tokenCommand, ['remove', id, '--config', home.file]), { code: 1, stderr: `there is no token ${id}\n` });
    await until('the running bridge to refuse it', async () => (await ask('GET', '/connections', tokens.read)).status === 401);
    t.equal((await ask('GET', '/connections', tokens.operate)).status, 200, 'the others stay');
  });

  await t.test('a name stands for one token, and none for nobody', async (t) => {
    for (const name of ['the admin', 'THE ADMIN', 'loopback']) {
      const { code, stdout, stderr } = await runCommand(tokenCommand, ['create', '--config', home.file, '--name', name, '--role', 'read']);
      t.ok(code !== 0 && stdout === '', `${name}: ${code}`);
      t.match(stderr, /name/);
    }
  });
});

void t.test('unknown connections, and bridges that do not run', async (t) => {
  const scene = await setLiveScene(t, { file: (at) => ({ connections: [seedConnection(at, {}, { id: 'filed', active: false })] }) });
  const nobody = `http://127.0.0.1:${await freePort()}`;
  for (const args of [['check', 'nobody'], ['policy', 'nobody'], ['things', 'sync', 'nobody']]) {
    const command = { check: checkCommand, policy: policyCommand, things: thingsCommand }[args[0] ?? ''] ?? checkCommand;
    const given = [...args.slice(1), '--config', scene.home.file, '--url'];
    t.match(await runCommand(command, [...given, urlOf(scene)]), { code: 1, stdout: '', stderr: /nobody|connection/ }, `${command.name}: no such connection`);
    t.match(await runCommand(command, [...given, nobody]), { code: 1, stdout: '', stderr: `no bridge answers at ${nobody}; is it running?\n` });
  }
  t.match(await runCommand(policyCommand, ['filed', '--config', scene.home.file]), { code: 0, stdout: /iot:Connect/ }, 'the policies of a connection in the file need no bridge');
  t.match(await runCommand(checkCommand, ['filed', '--config', '/nowhere.yaml']), { code: 1, stdout: '' });
});

const registryOf = ({ broker, registry }: LiveScene): IoTClient =>
  new IoTClient({ endpoint: registry, region: 'eu-west-1', credentials: { accessKeyId: accessKeyOf(broker).id, secretAccessKey: accessKeyOf(broker).secret } });

void t.test('things sync tells what differs, and --apply makes it right', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const id = await openConnection(scene, {}, { id: 'main' });
  t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  await until('the thing', async () => JSON.stringify((await bridge.api('GET', `/devices/${devEui}`)).json['things']).includes('ready'));
  t.match(await at(scene, thingsCommand, ['sync', id]), { code: 0, stdout: '1 ok\n' });

  const client = registryOf(scene);
  t.teardown(() => client.destroy());
  const principal = String(broker.address['certificateArn']);
  await client.send(new DetachThingPrincipalCommand({ thingName, principal }));
  await until('the thing to be gone', () => client.send(new DeleteThingCommand({ thingName })).then(() => true, () => false));
  const looked = await at(scene, thingsCommand, ['sync', id]);
  t.match(looked, { code: 0, stdout: new RegExp(`^missing +${thingName} +${devEui}.*\\n1 missing\\n$`) });
  await t.rejects(client.send(new DescribeThingCommand({ thingName })), 'it was only looked');
  t.match(JSON.parse((await at(scene, thingsCommand, ['sync', id, '--json'])).stdout), { applied: false, counts: { missing: 1 }, things: [{ thingName, deviceId: devEui, state: 'missing' }] });

  t.match(await built(scene, ['things', 'sync', id, '--apply']), { code: 0, stdout: new RegExp(`^made +${thingName}`) });
  t.match(await client.send(new DescribeThingCommand({ thingName })), { thingTypeName: deviceType, attributes: { managedBy: 'lpwan-bridge' } });
  await t.resolves(client.send(new AttachThingPrincipalCommand({ thingName, principal })));
  t.match(await at(scene, thingsCommand, ['sync', id]), { code: 0, stdout: '1 ok\n' });
  await broker.control({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:DescribeThing', Resource: '*' }] } });
  t.match(await at(scene, thingsCommand, ['sync', id]), { code: 1, stdout: '', stderr: /iot:ListThings on \* is not allowed/ }, 'a refusal names the permission');
});

/** A bridge whose one connection was made through the API; stopped. */
const stopped = async (t: Test, bridge: TestBridge): Promise<void> => void t.equal(await bridge.stop(), 0);

void t.test('rekey: from the old key to the new one, without losing a secret', async (t) => {
  const [oldKey, newKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('hex')];
  const scene = await setLiveScene(t, { file: { secrets: { key: oldKey } } });
  const { home } = scene;
  await openConnection(scene, { downlinkAsId: 'TWA_1', downlinkAsKey: 'as-key' }, { id: 'main' });
  await make(scene.bridge, '/network-servers', { id: 'sealed', kind: 'chirpstack', authenticate: { bearer: 'a-bearer-token' } });
  await make(scene.bridge, '/network-servers', { id: 'plain', kind: 'chirpstack', authenticate: 'none' });
  const rekey = (): Promise<CommandResult> => runCommand(rekeyCommand, ['--config', home.file]);
  t.match(await rekey(), { code: 1, stdout: '', stderr: /^another bridge runs on / }, 'a bridge runs on the data directory');
  await stopped(t, scene.bridge);

  await rewrite(home, { secrets: { key: newKey } });
  t.match(await rekey(), { code: 1, stdout: '' }, 'without the old key nothing can be opened');
  const locked = await startLiveBridge(t, home);
  t.match((await locked.private('/health')).body, /secrets_locked/);
  t.match(await locked.api('GET', '/connections/main'), { status: 200, json: { configuration: { privateKey: '*****' } } }, 'it is there, and says why it does not run');
  t.match(await locked.api('POST', '/connections/main/check'), { status: 503, json: { reason: 'secrets_locked' } });
  await stopped(t, locked);

  await rewrite(home, { secrets: { key: newKey, previousKeys: [oldKey] } });
  const between = await startLiveBridge(t, home);
  await untilState(between, 'main', 'OPENED');
  await stopped(t, between);
  t.match(await rekey(), { code: 0, stdout: 'sealed the secrets of 2 resources with the current key\n' });
  t.match(await rekey(), { code: 0, stdout: 'sealed the secrets of 0 resources with the current key\n' });

  await rewrite(home, { secrets: { key: newKey } });
  const after = await startLiveBridge(t, home);
  await untilState(after, 'main', 'OPENED');
  t.equal((await after.private('/ready')).status, 200);
  t.equal((await after.call('/in/sealed?event=up', { method: 'POST', headers: { authorization: 'Bearer a-bearer-token', 'content-type': 'application/json' }, body: '{}' })).status, 400, 'the network server is let in');
  t.equal((await after.call('/in/sealed?event=up', { method: 'POST', headers: { authorization: 'Bearer another', 'content-type': 'application/json' }, body: '{}' })).status, 401);
  t.match((await after.api('GET', '/audit')).body, /command line/);
  await stopped(t, after);
});
