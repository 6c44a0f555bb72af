import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.js';
import { given } from '../given.js';
import { apiOperationNames } from '../sandbox/api-limits.js';
import { runControlCommand } from '../sandbox/control-command.js';
import { awsLimits, type SandboxLimits } from '../sandbox/limits.js';
import { createLineWriter, type LineWriter } from '../sandbox/line-writer.js';
import { createSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { defineCommand } from './arguments.js';
import type { Command, Io } from './command.js';
import { jsonNarrator, textNarrator } from './sandbox/narrator.js';

const usage = `sandbox --data-dir DIR [--host H] [--mqtt-port N] [--api-port N] [--wss-port N] [--external-id ID] [--json] [--no-publishes] [--publish-limit N] [--limit NAME=N]...`;

const optionTypes = {
  'data-dir': { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  'mqtt-port': { type: 'string', default: '8883' },
  'api-port': { type: 'string' },
  'wss-port': { type: 'string' },
  'external-id': { type: 'string' },
  json: { type: 'boolean', default: false },
  'no-publishes': { type: 'boolean', default: false },
  'publish-limit': { type: 'string' },
  limit: { type: 'string', multiple: true, default: [] as string[] },
} as const;

interface Settings {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly apiPort?: number;
  readonly wssPort?: number;
  readonly externalId?: string;
  readonly json: boolean;
  readonly publishes: boolean;
  readonly limits: Partial<SandboxLimits>;
}

const wholeNumber = (name: string, text: string, largest: number): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > largest) throw new Error(`--${name}: ${text} is not a whole number from 0 to ${largest}`);
  return value;
};

/** Fields of 16 bits in MQTT. */
const maxSixteenBits = 65_535;
/** Each admission in a second is remembered, for each connection. */
const maxRate = 1_000_000;
const largestLimits: Partial<SandboxLimits> = {
  receiveMaximum: maxSixteenBits,
  topicAliasMaximum: maxSixteenBits,
  minKeepAliveSeconds: maxSixteenBits,
  maxKeepAliveSeconds: maxSixteenBits,
  publishesPerSecond: maxRate,
  storedPerSecond: maxRate,
  connectsPerSecond: maxRate,
  ...Object.fromEntries(apiOperationNames.map((name) => [name, maxRate])),
};

const isLimit = (name: string): name is keyof SandboxLimits => Object.hasOwn(awsLimits, name);

const readLimit = (text: string): [string, number] => {
  const [name = '', value = ''] = text.split('=', 2);
  if (!isLimit(name)) throw new Error(`--limit: ${name} is none of ${Object.keys(awsLimits).join(', ')}`);
  return [name, wholeNumber(`limit ${name}`, value, largestLimits[name] ?? Number.MAX_SAFE_INTEGER)];
};

const optionalPort = (name: string, text: string | undefined): number | undefined => (text === undefined ? undefined : wholeNumber(name, text, 65_535));

/** @throws Error whose message names the wrong argument. */
const readArguments = (args: readonly string[]): Settings => {
  const { values } = parseArgs({ args: [...args], options: optionTypes, allowPositionals: false });
  const dataDir = values['data-dir'];
  if (dataDir === undefined || dataDir === '') throw new Error('--data-dir is missing');
  const publishLimit = values['publish-limit'];
  return {
    dataDir,
    host: values.host,
    port: wholeNumber('mqtt-port', values['mqtt-port'], 65_535),
    ...given({ apiPort: optionalPort('api-port', values['api-port']), wssPort: optionalPort('wss-port', values['wss-port']), externalId: values['external-id'] }),
    json: values.json,
    publishes: !values['no-publishes'],
    limits: {
      ...Object.fromEntries(values.limit.map(readLimit)),
      ...(publishLimit === undefined ? {} : { publishesPerSecond: wholeNumber('publish-limit', publishLimit, maxRate) }),
    },
  };
};

/** Takes control commands one after another. The end of stdin ends nothing. The function returned stops that, after the command under way. */
const takeCommands = (sandbox: Sandbox, stdin: Readable, writer: LineWriter): (() => Promise<void>) => {
  const lines = createInterface({ input: stdin });
  let last = Promise.resolve();
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    last = last.then(async () => {
      const answer = await runControlCommand(sandbox, line).catch((error: unknown) => ({ event: 'error', message: messageOf(error) }));
      writer.write(JSON.stringify(answer));
    });
  });
  return async () => {
    lines.close();
    stdin.destroy();
    await last;
  };
};

/** A sandbox that was cut has no socket, and a stdin that ended is no reason to stay: only this timer keeps the process. */
const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  const stay = setInterval(() => undefined, 60_000);
  await once(signal, 'abort');
  clearInterval(stay);
};

const isTerminal = (stream: Readable): boolean => 'isTTY' in stream && stream.isTTY === true;

const serve = async (sandbox: Sandbox, settings: Settings, { io, stdin }: { io: Io; stdin: () => Readable }): Promise<void> => {
  const narrator = settings.json ? jsonNarrator : textNarrator;
  const address = await sandbox.start();
  const writer = createLineWriter(io.stdout, (count) => narrator.dropped(count));
  writer.write(narrator.started(address));
  if (settings.publishes) sandbox.onPublish((publish) => writer.write(narrator.publish(publish)));
  sandbox.onNotice((notice) => writer.write(narrator.notice(notice)));
  const stopCommands = settings.json && !isTerminal(stdin()) ? takeCommands(sandbox, stdin(), writer) : undefined;
  await untilAborted(io.signal);
  await stopCommands?.();
  await sandbox.stop();
  await writer.end();
};

const run = async (args: readonly string[], io: Io, stdin: () => Readable): Promise<number> => {
  let settings: Settings;
  try {
    settings = readArguments(args);
  } catch (error) {
    io.stderr.write(`${messageOf(error)}\nusage: lpwan-bridge ${usage}\n`);
    return 2;
  }
  const sandbox = createSandbox(settings);
  try {
    await serve(sandbox, settings, { io, stdin });
    return 0;
  } catch (error) {
    io.stderr.write(`the sandbox failed: ${messageOf(error)}\n`);
    await sandbox.stop();
    return 1;
  }
};

/** The command with a stdin of the caller's choice. */
export const createSandboxCommand = (stdin: () => Readable): Command =>
  defineCommand({
    name: 'sandbox',
    usage,
    summary: 'Runs a local stand-in for the message broker and the registry of AWS IoT Core (not AWS).',
    run: (args, io) => run(args, io, stdin),
  });

/**
 * `lpwan-bridge sandbox`: runs until SIGTERM or SIGINT.
 *
 * - `--data-dir DIR` (required): keeps the CA, the server's and the clients' certificates; later runs use them again.
 * - `--host H` (127.0.0.1), `--mqtt-port N` (8883; 0 = a free port).
 * - `--api-port N` (0 = a free port; absent: none): the API of AWS IoT Core and STS over plain HTTP, for AWS's SDKs and for
 *   `aws iot … --endpoint-url http://H:N`. Calls are signed with the access key; any Region may be named.
 * - `--wss-port N` (0 = a free port; absent: none): MQTT over WebSocket, `wss://H:N/mqtt`, signed with the access key.
 * - `--external-id ID`: what AssumeRole asks for; absent: anything will do.
 * - `--publish-limit N`: publishes a second of one connection (100; 0 = no limit).
 * - `--limit NAME=N`, repeatable: any limit of `SandboxLimits` (0 = no limit), such as `--limit sessionExpirySeconds=60`, or of the calls
 *   a second of an operation of the API, such as `--limit CreateThing=5`.
 * - `--no-publishes`: does not print accepted publishes.
 * - `--json`: the first line is the address, `{"mqtt":{"host","port"},"caCertificate","certificate","privateKey","certificateArn"}`,
 *   with `"api":{"host","port"}` and `"wss":{"host","port"}` where they listen, and then `"accessKey":{"id","secret"}`; then one object a line: `{"event":"publish","at","clientId","topic","qos","payload"}` (`payloadBase64` when it is not UTF-8), `session-opened`,
 *   `session-closed`, `connect-refused`, `discarded`, `lines-dropped`. Control commands are taken on stdin unless it is a terminal (`runControlCommand`).
 *
 * Exit codes: 0 stopped, 1 failed, 2 wrong arguments.
 */
export const sandboxCommand: Command = createSandboxCommand(() => process.stdin);
