import { ListThingsCommand } from '@aws-sdk/client-iot';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import t from 'tap';
import type { Test } from 'tap';
import { createSandboxCommand, sandboxCommand } from '../../src/cli/sandbox.js';
import { testDir } from '../support/test-dir.js';
import { openClient } from './support/api-client.js';
import { within } from './support/harness.js';
import { connectRaw, publishPacket } from './support/raw-client.js';

interface Started {
  readonly stdin: PassThrough;
  readonly stop: AbortController;
  readonly exitCode: Promise<number>;
  readonly stderr: Promise<string>;
  nextLine(): Promise<string>;
}

const start = (t: Test, ...args: string[]): Started => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()] as [PassThrough, PassThrough, PassThrough];
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const exitCode = createSandboxCommand(() => stdin).run(args, { stdout, stderr, env: {}, signal: stop.signal });
  return {
    stdin,
    stop,
    exitCode,
    stderr: text(stderr),
    nextLine: async () => {
      const line: unknown = (await within('a line', lines.next())).value;
      return String(line);
    },
  };
};

interface FirstLine {
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly certificateArn: string;
}

const addressOf = (line: FirstLine): Parameters<typeof connectRaw>[1] => ({ ...line, ...line.mqtt });

void t.test('--json: the address first, then each publish and session, until the signal', async (t) => {
  const command = start(t, '--data-dir', testDir(t), '--mqtt-port', '0', '--json');
  const first = JSON.parse(await command.nextLine()) as FirstLine;
  t.same(Object.keys(first), ['mqtt', 'caCertificate', 'certificate', 'privateKey', 'certificateArn']);
  t.match(first, { mqtt: { host: '127.0.0.1', port: Number }, certificateArn: /^arn:aws:iot:sandbox:000000000000:cert\/[0-9a-f]{64}$/ });
  const client = await connectRaw(t, addressOf(first), { clientId: 'c1' });
  t.match(JSON.parse(await command.nextLine()), { event: 'session-opened', clientId: 'c1', protocolVersion: 5, sessionPresent: false, at: Number });
  client.send(publishPacket('a', { payload: 'héllo' }), publishPacket('b', { qos: 0, payload: Buffer.from([0xff]) }));
  t.match(JSON.parse(await command.nextLine()), { event: 'publish', at: Number, clientId: 'c1', topic: 'a', qos: 1, payload: 'héllo' });
  const binary = JSON.parse(await command.nextLine()) as object;
  t.match(binary, { event: 'publish', topic: 'b', qos: 0, payloadBase64: '/w==' });
  t.notOk('payload' in binary);
  command.stop.abort();
  t.match(JSON.parse(await command.nextLine()), { event: 'session-closed', clientId: 'c1', reason: 'stopping' });
  t.equal(await within('exit', command.exitCode), 0);
  t.match(await client.rest(), [{ cmd: 'puback' }, { cmd: 'disconnect', reasonCode: 0x8b }]);
});

void t.test('--api-port, --wss-port and --external-id: where they listen and the access key', async (t) => {
  const command = start(t, '--data-dir', testDir(t), '--mqtt-port', '0', '--api-port', '0', '--wss-port', '0', '--external-id', 'x', '--limit', 'ListThings=1', '--json');
  const first = JSON.parse(await command.nextLine()) as FirstLine & { readonly api: FirstLine['mqtt']; readonly accessKey: { readonly id: string; readonly secret: string } };
  t.same(Object.keys(first), ['mqtt', 'caCertificate', 'certificate', 'privateKey', 'certificateArn', 'api', 'wss', 'accessKey']);
  t.match(first, { api: { host: '127.0.0.1', port: Number }, wss: { host: '127.0.0.1', port: Number }, accessKey: { id: /^AKIA/, secret: String } });
  const client = openClient(t, { ...addressOf(first), certificateId: '', certificateArn: '', api: first.api, accessKeyId: first.accessKey.id, secretAccessKey: first.accessKey.secret });
  const calls = await Promise.allSettled(Array.from({ length: 20 }, () => client.send(new ListThingsCommand({}))));
  t.match(calls.find(({ status }) => status === 'rejected'), { reason: { name: 'ThrottlingException' } }, 'the limit counts');
});

void t.test('for people: where API and WebSocket listen, and the access key', async (t) => {
  const command = start(t, '--data-dir', testDir(t), '--mqtt-port', '0', '--api-port', '0', '--wss-port', '0');
  const lines: string[] = [];
  while (lines.length < 9) lines.push(await command.nextLine());
  t.match(lines.slice(5), [/API {17}http:\/\/127\.0\.0\.1:\d+ /, /wss:\/\/127\.0\.0\.1:\d+\/mqtt/, /access key {10}AKIA/, /secret access key {3}\S{40}/]);
});

void t.test('--json: control commands on stdin, one after another; its end ends nothing', async (t) => {
  const command = start(t, '--data-dir', testDir(t), '--mqtt-port', '0', '--json');
  const first = JSON.parse(await command.nextLine()) as FirstLine;
  command.stdin.end('{"do":"cut"}\n\n{"do":"restore"}\nnonsense\n{"do":"stats"}\n');
  t.same(JSON.parse(await command.nextLine()), { event: 'done', do: 'cut' });
  t.same(JSON.parse(await command.nextLine()), { event: 'done', do: 'restore' });
  t.match(JSON.parse(await command.nextLine()), { event: 'error', message: String });
  t.match(JSON.parse(await command.nextLine()), { event: 'done', do: 'stats', stats: { accepted: 0 } });
  await connectRaw(t, addressOf(first));
  t.match(JSON.parse(await command.nextLine()), { event: 'session-opened' });
});

void t.test('--no-publishes and --publish-limit', async (t) => {
  const command = start(t, '--data-dir', testDir(t), '--mqtt-port', '0', '--json', '--no-publishes', '--publish-limit', '1', '--limit', 'maxTopicBytes=3');
  const first = JSON.parse(await command.nextLine()) as FirstLine;
  const client = await connectRaw(t, addressOf(first));
  await command.nextLine();
  client.send(publishPacket('a'), publishPacket('b'));
  t.match(JSON.parse(await command.nextLine()), { event: 'discarded', topic: 'b', reason: 'publish_rate' });
  client.send(publishPacket('four'));
  t.match(JSON.parse(await command.nextLine()), { event: 'session-closed', reason: 'topic_invalid' });
});

void t.test('for people: it says that it is not AWS, where the files are, and shows messages', async (t) => {
  const dir = testDir(t);
  const command = start(t, '--data-dir', dir, '--mqtt-port', '0');
  const banner = await command.nextLine();
  t.match(banner, /Stand-in for AWS IoT Core on mqtts:\/\/127\.0\.0\.1:\d+\. This is not AWS/);
  const rest = [await command.nextLine(), await command.nextLine(), await command.nextLine(), await command.nextLine()];
  t.match(rest[0], `${dir}/ca.pem`);
  t.match(rest[3], 'arn:aws:iot:sandbox');
  const port = Number(/:(\d+)\./.exec(banner)?.[1]);
  const files = { caCertificate: `${dir}/ca.pem`, certificate: `${dir}/bridge.pem`, privateKey: `${dir}/bridge.key` };
  const client = await connectRaw(t, { host: '127.0.0.1', port, ...files });
  t.match(await command.nextLine(), /raw connected \(MQTT 5\)/);
  client.send(publishPacket('a', { payload: '{"t":1}' }), publishPacket('b', { payload: Buffer.from([0xff, 0x00]) }));
  t.match(await command.nextLine(), /a \(QoS 1, 7 bytes, from raw\)/);
  t.match(await command.nextLine(), '{"t":1}');
  await command.nextLine();
  t.match(await command.nextLine(), 'ff00 (hex)');
});

const wrongArguments: [string[], RegExp][] = [
  [[], /--data-dir is missing/],
  [['--data-dir', 'd', '--mqtt-port', 'x'], /--mqtt-port: x/],
  [['--data-dir', 'd', '--mqtt-port', '65536'], /--mqtt-port: 65536/],
  [['--data-dir', 'd', '--api-port', 'x'], /--api-port: x/],
  [['--data-dir', 'd', '--wss-port', '70000'], /--wss-port: 70000/],
  [['--data-dir', 'd', '--limit', 'CreateThing=1000001'], /--limit CreateThing/],
  [['--data-dir', 'd', '--limit', 'speed=1'], /--limit: speed is none of publishesPerSecond/],
  [['--data-dir', 'd', '--limit', 'maxTopicBytes'], /--limit maxTopicBytes/],
  [['--data-dir', 'd', '--publish-limit', '1.5'], /--publish-limit: 1\.5/],
  [['--data-dir', 'd', '--unknown'], /--unknown/],
  [['--data-dir', 'd', 'extra'], /extra/],
];

void t.test('wrong arguments: exit code 2 and a line that says which', async (t) => {
  for (const [args, message] of wrongArguments) {
    const stderr = new PassThrough();
    const code = await sandboxCommand.run(args, { stdout: new PassThrough(), stderr, env: {}, signal: new AbortController().signal });
    t.equal(code, 2, args.join(' '));
    t.match(await text(stderr.end()), message);
  }
});

void t.test('a port in use: exit code 1 with the reason, and nothing is left open', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => void taken.close());
  await once(taken, 'listening');
  const stderr = new PassThrough();
  const port = String((taken.address() as AddressInfo).port);
  const dataDir = ['--data-dir', testDir(t)];
  for (const args of [['--mqtt-port', port], ['--mqtt-port', '0', '--wss-port', port], ['--mqtt-port', '0', '--wss-port', '0', '--api-port', port]]) {
    const code = await sandboxCommand.run([...dataDir, ...args], { stdout: new PassThrough(), stderr, env: {}, signal: new AbortController().signal });
    t.equal(code, 1, args.join(' '));
  }
  t.match(await text(stderr.end()), /(?:EADDRINUSE[^]*){3}/);
});
