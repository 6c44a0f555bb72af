import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { createSandboxCommand } from '../../src/cli/sandbox.js';
import type { SandboxAddress } from '../../src/sandbox/sandbox.js';
import { testDir } from '../support/test-dir.js';
import { within } from './support/harness.js';
import { connectRaw, openRaw } from './support/raw-client.js';

/** The command with `--json` on a free port, and where it listens. */
const start = async (t: Test) => {
  const [stdin, stdout, stop] = [new PassThrough(), new PassThrough(), new AbortController()] as const;
  t.teardown(() => stop.abort());
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const args = ['--data-dir', testDir(t), '--mqtt-port', '0', '--json'];
  const exit = createSandboxCommand(() => stdin).run(args, { stdout, stderr: new PassThrough(), env: {}, signal: stop.signal });
  const nextLine = async (): Promise<object> => JSON.parse(String((await within('a line', lines.next())).value)) as object;
  const first = (await nextLine()) as SandboxAddress & { mqtt: { host: string; port: number } };
  const stopped = (): Promise<number> => {
    stop.abort();
    return within('exit', exit);
  };
  return { stdin, nextLine, stopped, address: { ...first, ...first.mqtt } };
};

const timersThatKeepTheProcess = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

void t.test('the process stays when stdin has ended and the sandbox is cut, until it is told to stop', async (t) => {
  const before = timersThatKeepTheProcess();
  const { stdin, nextLine, stopped } = await start(t);
  stdin.end('{"do":"cut"}\n');
  t.same(await nextLine(), { event: 'done', do: 'cut' });
  t.equal(timersThatKeepTheProcess(), before + 1, 'no socket is left to keep it');
  t.equal(await stopped(), 0);
  t.equal(timersThatKeepTheProcess(), before);
});

void t.test('a sandbox that is cut or in a blackhole stops', async (t) => {
  for (const fault of ['cut', 'blackhole']) {
    const { stdin, nextLine, stopped, address } = await start(t);
    const client = await connectRaw(t, address);
    await nextLine();
    stdin.write(`{"do":"${fault}"}\n{"do":"stats"}\n`);
    while (!('stats' in (await nextLine())));
    t.equal(await stopped(), 0, fault);
    await within('close', client.closed);
  }
});

void t.test('a command under way at the signal does not open the port again', async (t) => {
  const { stdin, nextLine, stopped, address } = await start(t);
  stdin.write('{"do":"cut"}\n');
  await nextLine();
  stdin.write('{"do":"restore"}\n');
  t.equal(await stopped(), 0);
  await t.rejects(openRaw(t, address), { code: 'ECONNREFUSED' });
});

const tooLarge: [string, RegExp][] = [
  ['receiveMaximum=65536', /receiveMaximum: 65536 .* to 65535/],
  ['topicAliasMaximum=65536', /topicAliasMaximum/],
  ['minKeepAliveSeconds=65536', /minKeepAliveSeconds/],
  ['storedPerSecond=1000001', /storedPerSecond: 1000001 .* to 1000000/],
  ['toString=1', /toString is none of/],
];

void t.test('limits that MQTT cannot express or memory cannot hold are wrong arguments', async (t) => {
  for (const [limit, message] of tooLarge) {
    const stderr = new PassThrough();
    const io = { stdout: new PassThrough(), stderr, env: {}, signal: AbortSignal.abort() };
    t.equal(await createSandboxCommand(() => new PassThrough()).run(['--data-dir', t.testdirName, '--limit', limit], io), 2, limit);
    t.match(await text(stderr.end()), message);
  }
});
