import { createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../command.js';
import { collectArrivals, type Arrivals } from './arrivals.js';
import type { DemoWebhook } from './bodies.js';
import { startChild, type Child } from './child.js';
import { demoConfig } from './demo-config.js';
import { startDemoNetworkServer, type QueuedAtNetworkServer } from './network-server.js';
import { createScreen, type Screen } from './screen.js';

/** Everything that the acts of the demo play with. */
export interface Stage {
  readonly screen: Screen;
  readonly sandbox: Child;
  readonly bridge: Child;
  readonly arrivals: Arrivals;
  readonly ingress: string;
  readonly private: string;
  /** Whether each message that arrives is shown. */
  show(each: boolean): void;
  /** Downlinks that reached the stand-in network server from now on. */
  onQueued(listener: (downlink: QueuedAtNetworkServer) => void): void;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: string;
}

/** Posts one webhook. */
export const post = async (stage: Pick<Stage, 'ingress'>, webhook: DemoWebhook): Promise<PostAnswer> => {
  const response = await fetch(`${stage.ingress}/in/${webhook.path}`, { method: 'POST', headers: webhook.headers, body: webhook.body });
  return { status: response.status, body: await response.text() };
};

/** The usual port when it is free, so that the printed URLs look like production; any free one otherwise. */
const portOrFree = (port: number): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });

/** What must be stopped at the end, in the order in which it was started. */
export interface Stoppable {
  stop(): Promise<number | null>;
}

/** Starts the sandbox, the stand-in network server and the bridge; each goes to `running` as soon as it runs. */
export const setStage = async (dir: string, io: Io, running: Stoppable[], fixedPorts: boolean): Promise<Stage> => {
  const screen = createScreen(io.stdout);
  let showEach = true;
  let onQueued: (downlink: QueuedAtNetworkServer) => void = () => undefined;
  const networkServer = await startDemoNetworkServer((downlink) => onQueued(downlink));
  running.push({ stop: () => networkServer.close().then(() => 0) });
  const sandbox = startChild(['sandbox', '--data-dir', join(dir, 'sandbox'), '--mqtt-port', '0', '--json']);
  running.push(sandbox);
  const address = await sandbox.waitFor('the sandbox', (line) => 'mqtt' in line);
  const arrivals = collectArrivals(sandbox, ({ topic, payload }) => showEach && screen.received(topic, payload));
  const ports = fixedPorts ? { ingress: await portOrFree(8080), private: await portOrFree(9090) } : { ingress: 0, private: 0 };
  const file = join(dir, 'bridge.yaml');
  await writeFile(file, demoConfig(dir, address, ports, networkServer.url), { mode: 0o600 });
  screen.heading('Two processes, as an operator would run them');
  screen.line(`lpwan-bridge sandbox --data-dir ${join(dir, 'sandbox')}   (a local stand-in for AWS IoT Core, mutual TLS)`);
  screen.line(`lpwan-bridge start --config ${file}`);
  screen.line(io.env['REDIS_URL'] === undefined ? 'Downlinks wait in the data directory; set REDIS_URL to keep them in Redis.' : 'Downlinks wait in Redis, because REDIS_URL is set.');
  const bridge = startChild(['start', '--config', file]);
  running.push(bridge);
  const ready = await bridge.waitFor('the bridge to be ready', (line) => line['msg'] === 'ready');
  return {
    screen, sandbox, bridge, arrivals, ingress: String(ready['ingress']), private: String(ready['private']),
    show: (each) => (showEach = each),
    onQueued: (listener) => (onQueued = listener),
  };
};
