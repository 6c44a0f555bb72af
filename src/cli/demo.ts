import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import { defineCommand, parseArguments } from './arguments.js';
import type { Io } from './command.js';
import { demoKeys } from './demo/bodies.js';
import { createScreen } from './demo/screen.js';
import { showDownlinks } from './demo/show-downlinks.js';
import { showFormats, showOutage } from './demo/show-uplinks.js';
import { setStage, type Stage, type Stoppable } from './demo/stage.js';

const showBooks = async ({ screen, private: url }: Stage): Promise<void> => {
  screen.heading('The books (from /metrics)');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const lines = metrics.split('\n').filter((line) => /^lpwan_bridge_outbox_(accepted|delivered|expired|restored)_total|^lpwan_bridge_outbox_pending_messages|^lpwan_bridge_downlinks_total.* [1-9]/.test(line));
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

const play = async (stage: Stage, io: Io, once: boolean): Promise<void> => {
  await showFormats(stage);
  await showDownlinks(stage);
  await showOutage(stage);
  await showBooks(stage);
  if (once || io.signal.aborted) return;
  showWhatToTry(stage);
  await new Promise<void>((resolve) => io.signal.addEventListener('abort', () => resolve(), { once: true }));
};

const stopAll = async (children: readonly Stoppable[]): Promise<void> => {
  for (const child of [...children].reverse()) {
    const code = await child.stop();
    if (code !== 0) throw new Error(`a process of the demo ended with ${code} instead of 0`);
  }
};

export const demoCommand = defineCommand({
  name: 'demo',
  usage: 'demo [--once]',
  summary: 'Runs the sandbox and the bridge, carries webhooks of all network servers and commands back, goes through an outage, and shows it.',
  async run(args, io) {
    const { values } = parseArguments(args, { once: { type: 'boolean', default: false } });
    const dir = await mkdtemp(join(tmpdir(), 'lpwan-bridge-demo-'));
    const children: Stoppable[] = [];
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
});
