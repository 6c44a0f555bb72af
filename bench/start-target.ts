import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeOptions } from '../src/cli/node-options.js';
import { until } from '../test/support/until.js';
import { startProgram, type Line, type Program } from '../test/end-to-end/support/program.js';
import { endProgram, type BrokerAddress } from './broker.js';
import { plainEnvironment } from './plain-environment.js';
import { watchUsage } from './proc.js';
import type { BodyKind, Target, Usage } from './types.js';
import { webhookPath } from './webhook-path.js';

/** What a part of the way reaches by itself. */
export interface Alone {
  readonly perSecond: number;
  readonly usage: Usage;
}

type TargetProgram = 'bare' | 'naive' | 'least' | 'publish-alone' | 'store-alone';

const start = (name: TargetProgram, settings: object): Program =>
  startProgram(process.execPath, [...nodeOptions, fileURLToPath(new URL(`./targets/${name}.js`, import.meta.url)), JSON.stringify(settings)], plainEnvironment());

/** Nothing waits in them: every request is answered when all is done. */
const startHttp = async (name: TargetProgram, settings: object): Promise<Target> => {
  const program = start(name, settings);
  const stop = (): Promise<void> => endProgram(program);
  let line: Line;
  try {
    line = await program.waitFor(`the target ${name}`, (one) => 'listening' in one);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = String(line['listening']);
  return { name, pids: [program.pid], webhook: (body: BodyKind) => `${url}${webhookPath(body)}`, headers: {}, drained: () => Promise.resolve(), stop };
};

const addressOf = ({ endpoint, caCertificate, certificate, privateKey }: BrokerAddress): BrokerAddress => ({ endpoint, caCertificate, certificate, privateKey });

/** (a) Fastify that parses the body and answers 204. */
export const startBare = (): Promise<Target> => startHttp('bare', {});

/** (b) The same with one MQTT.js publish at QoS 1 for each request, on ten sessions in turn; 204 on PUBACK, no store. */
export const startNaive = (broker: BrokerAddress): Promise<Target> => startHttp('naive', addressOf(broker));

/** (e) The least that the promises need, by hand (targets/least.ts), with its journal in a temporary folder. */
export const startLeast = async (broker: BrokerAddress): Promise<Target & { pending(): Promise<number> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-least-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const target = await startHttp('least', { broker: addressOf(broker), folder }).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const pending = async (): Promise<number> => Number(await (await fetch(new URL('/pending', target.webhook('chirpstack')))).text());
  return { ...target, pending, drained: () => until('the target least has delivered', async () => (await pending()) === 0), stop: () => target.stop().finally(remove) };
};

/** Beyond the measured time: to open sessions and to warm up, ms. */
const extraMs = 30_000;

const runAlone = async <T extends { readonly seconds: number }>(name: TargetProgram, settings: T): Promise<Alone> => {
  const program = start(name, settings);
  try {
    await program.waitFor(`${name} to begin`, (line) => line['measuring'] === true, extraMs);
    const watch = watchUsage([program.pid]);
    try {
      const { perSecond } = await program.waitFor(`the result of ${name}`, (line) => 'perSecond' in line, settings.seconds * 1_000 + extraMs);
      return { perSecond: Number(perSecond), usage: watch.soFar() };
    } finally {
      watch.stop();
    }
  } finally {
    await endProgram(program);
  }
};

/** (c) MQTT.js publishing at QoS 1, ten sessions with 100 in flight each. Measures for so many seconds, after one to warm up. */
export const publishAlone = (broker: BrokerAddress, seconds: number): Promise<Alone> => runAlone('publish-alone', { broker: addressOf(broker), seconds });

/** (d) The local store appending, in a temporary folder. Measures for so many seconds, after one to warm up. */
export const storeAlone = async (seconds: number): Promise<Alone> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-store-'));
  try {
    return await runAlone('store-alone', { dataDir, seconds });
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
};
