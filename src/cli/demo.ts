import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.js';
import type { Command, Io } from './command.js';
import { collectArrivals, type Arrivals } from './demo/arrivals.js';
import { chirpstackUplink, demoKeys, demoWebhooks, type DemoWebhook } from './demo/bodies.js';
import { startChild, type Child } from './demo/child.js';
import { demoConfig } from './demo/demo-config.js';
import { createScreen, type Screen } from './demo/screen.js';

/** How long the sandbox is cut off, and what comes in meanwhile. */
const outage = { seconds: 4, perSecond: 50, devices: 10 };

interface Stage {
  readonly screen: Screen;
  readonly sandbox: Child;
  readonly bridge: Child;
  readonly arrivals: Arrivals;
  readonly ingress: string;
  readonly private: string;
  /** Whether each message that arrives is shown. */
  show(each: boolean): void;
}

const post = async (stage: Pick<Stage, 'ingress'>, webhook: DemoWebhook): Promise<number> => {
  const response = await fetch(`${stage.ingress}/in/${webhook.path}`, { method: 'POST', headers: webhook.headers, body: webhook.body });
  await response.arrayBuffer();
  return response.status;
};

/** The usual port when it is free, so that the printed URLs look like production; any free one otherwise. */
const portOrFree = (port: number): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });

const showFormats = async (stage: Stage): Promise<void> => {
  stage.screen.heading('Webhooks of four network servers, and what AWS receives');
  for (const webhook of demoWebhooks(new Date())) {
    const status = await post(stage, webhook);
    stage.screen.posted(webhook.title, webhook.path, status);
    if (status !== 204) throw new Error(`${webhook.title}: the bridge answered ${status}`);
    await stage.arrivals.until(`the arrival of ${webhook.topic}`, (all) => all.some(({ topic }) => topic === webhook.topic));
  }
};

const devEuiOf = (device: number): string => `24e124c3b1a8${device.toString(16).padStart(4, '0')}`;

/** Posts numbered uplinks at a steady rate. Resolves with those that were answered 2xx, per device in order. */
const postDuring = async (stage: Stage): Promise<Map<string, number[]>> => {
  const accepted = new Map<string, number[]>();
  const total = outage.seconds * outage.perSecond;
  for (let index = 0; index < total; index += 1) {
    const devEui = devEuiOf(index % outage.devices);
    const fCnt = Math.floor(index / outage.devices);
    if ((await post(stage, chirpstackUplink(devEui, fCnt, new Date().toISOString()))) === 204) accepted.set(devEui, [...(accepted.get(devEui) ?? []), fCnt]);
    await new Promise((resolve) => setTimeout(resolve, 1_000 / outage.perSecond));
  }
  return accepted;
};

/** Frame counters as AWS received them, per device, each once: a redelivery carries the same id. */
const countersOf = (arrivals: Arrivals): Map<string, number[]> => {
  const counters = new Map<string, number[]>();
  const seen = new Set<string>();
  for (const { payload } of arrivals.all) {
    const { id, devEui, fCnt } = JSON.parse(payload) as { id: string; devEui?: string; fCnt?: number };
    if (devEui === undefined || fCnt === undefined || seen.has(id)) continue;
    seen.add(id);
    counters.set(devEui, [...(counters.get(devEui) ?? []), fCnt]);
  }
  return counters;
};

const showOutage = async (stage: Stage): Promise<void> => {
  const { screen, sandbox, arrivals } = stage;
  screen.heading(`AWS goes away for ${outage.seconds} seconds, under ${outage.perSecond} uplinks a second`);
  stage.show(false);
  sandbox.send({ do: 'cut' });
  screen.line('The sandbox is cut off: its listener and every session are closed.');
  const before = arrivals.all.length;
  const accepted = await postDuring(stage);
  const count = [...accepted.values()].reduce((sum, list) => sum + list.length, 0);
  if (count !== outage.seconds * outage.perSecond) throw new Error(`only ${count} of ${outage.seconds * outage.perSecond} webhooks were answered 2xx during the outage`);
  screen.good(`${count} webhooks answered 204 meanwhile; AWS received ${arrivals.all.length - before}.`);
  sandbox.send({ do: 'restore' });
  const arrivedAll = (): boolean => {
    const counters = countersOf(arrivals);
    return [...accepted].every(([devEui, list]) => (counters.get(devEui)?.length ?? 0) >= list.length);
  };
  await arrivals.until('the arrival of everything accepted', arrivedAll, 60_000);
  const counters = countersOf(arrivals);
  const ordered = [...accepted].every(([devEui, list]) => JSON.stringify(counters.get(devEui)) === JSON.stringify(list));
  if (!ordered) throw new Error('a device’s uplinks arrived out of order');
  screen.good(`AWS is back: all ${count} arrived, every device in order, none missing.`);
  stage.show(true);
};

const showBooks = async ({ screen, private: url }: Stage): Promise<void> => {
  screen.heading('The books (from /metrics)');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const lines = metrics.split('\n').filter((line) => /^lpwan_bridge_outbox_(accepted|delivered|expired|restored)_total|^lpwan_bridge_outbox_pending_messages/.test(line));
  for (const line of lines) screen.line(line);
};

const showWhatToTry = ({ screen, ingress, private: privateUrl }: Stage): void => {
  screen.heading('It keeps running. Try');
  screen.line(`curl -i -H 'x-api-key: ${demoKeys.chirpstack}' -H 'content-type: application/json' '${ingress}/in/chirpstack?event=up' \\`);
  screen.line(`  -d '{"deviceInfo":{"devEui":"24e124c3b1a70042","deviceName":"press-42","applicationName":"press-line"},"fCnt":98,"fPort":3,"data":"AGIq"}'`);
  screen.line('');
  screen.line(`webhooks ${ingress}/in/{thingpark,tts,chirpstack,sigfox}`);
  screen.line(`health   ${privateUrl}/health    metrics ${privateUrl}/metrics`);
  screen.line('Ctrl-C ends it.');
};

const setStage = async (dir: string, io: Io, children: Child[], fixedPorts: boolean): Promise<Stage> => {
  const screen = createScreen(io.stdout);
  let showEach = true;
  const sandbox = startChild(['sandbox', '--data-dir', join(dir, 'sandbox'), '--mqtt-port', '0', '--json']);
  children.push(sandbox);
  const address = await sandbox.waitFor('the sandbox', (line) => 'mqtt' in line);
  const arrivals = collectArrivals(sandbox, ({ topic, payload }) => showEach && screen.received(topic, payload));
  const ports = fixedPorts ? { ingress: await portOrFree(8080), private: await portOrFree(9090) } : { ingress: 0, private: 0 };
  const file = join(dir, 'bridge.yaml');
  await writeFile(file, demoConfig(dir, address, ports), { mode: 0o600 });
  screen.heading('Two processes, as an operator would run them');
  screen.line(`lpwan-bridge sandbox --data-dir ${join(dir, 'sandbox')}   (a local stand-in for AWS IoT Core, mutual TLS)`);
  screen.line(`lpwan-bridge start --config ${file}`);
  const bridge = startChild(['start', '--config', file]);
  children.push(bridge);
  const ready = await bridge.waitFor('the bridge to be ready', (line) => line['msg'] === 'ready');
  return { screen, sandbox, bridge, arrivals, ingress: String(ready['ingress']), private: String(ready['private']), show: (each) => (showEach = each) };
};

const play = async (stage: Stage, io: Io, once: boolean): Promise<void> => {
  await showFormats(stage);
  await showOutage(stage);
  await showBooks(stage);
  if (once || io.signal.aborted) return;
  showWhatToTry(stage);
  await new Promise<void>((resolve) => io.signal.addEventListener('abort', () => resolve(), { once: true }));
};

const stopAll = async (children: readonly Child[]): Promise<void> => {
  for (const child of [...children].reverse()) {
    const code = await child.stop();
    if (code !== 0) throw new Error(`a process of the demo ended with ${code} instead of 0`);
  }
};

export const demoCommand: Command = {
  name: 'demo',
  usage: 'demo [--once]',
  summary: 'Runs the sandbox and the bridge, carries webhooks of all network servers through an outage, and shows it.',
  async run(args, io) {
    const { values } = parseArgs({ args: [...args], options: { once: { type: 'boolean', default: false } } });
    const dir = await mkdtemp(join(tmpdir(), 'lpwan-bridge-demo-'));
    const children: Child[] = [];
    try {
      const stage = await setStage(dir, io, children, !values.once);
      await play(stage, io, values.once);
      await stopAll(children.splice(0));
      stage.screen.good('Done: both processes stopped cleanly.');
      return 0;
    } catch (error) {
      createScreen(io.stdout).bad(messageOf(error));
      return 1;
    } finally {
      await Promise.allSettled(children.map((child) => child.stop()));
      await rm(dir, { recursive: true, force: true });
    }
  },
};
