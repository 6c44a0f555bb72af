import { request } from 'node:http';
import { apiKey, type TestBridge } from '../../test/end-to-end/support/bridge.js';
import { devEuiOf, uplinkBody } from '../../test/end-to-end/support/load.js';
import { outboxEmpty, series } from '../bridge-checks.js';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';
import { openSwitches, type Switches } from '../switches.js';

/** How long the network server waits for an answer, ms: it gives up before the bridge answers, or is patient. */
const impatient = 400;
const patient = 20_000;
const slowDiskMs = 1_000;

/** One webhook as the network server keeps it, to post the very same bytes again. */
interface Webhook {
  readonly devEui: string;
  readonly body: string;
}

/** Status of the answer; 0 when the client gave up or was thrown out. */
const post = (bridge: TestBridge, { body }: Webhook, patienceMs: number): Promise<number> =>
  new Promise((resolve) => {
    const ingress = String(bridge.program.lines.find(({ msg }) => msg === 'ready')?.['ingress']);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-api-key': apiKey };
    const call = request(`${ingress}/in/factory?event=up`, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    const givingUp = setTimeout(() => call.destroy(), patienceMs);
    call.on('close', () => {
      clearTimeout(givingUp);
      resolve(0);
    });
    call.on('error', () => undefined);
    call.end(body);
  });

/** Posts all at once; gives how many were answered with a 2xx. */
const postAll = async (bridge: TestBridge, webhooks: readonly Webhook[], patienceMs = patient): Promise<number> => {
  const statuses = await Promise.all(webhooks.map((webhook) => post(bridge, webhook, patienceMs)));
  return statuses.filter((status) => status >= 200 && status < 300).length;
};

/** What the phases of the row share. */
interface Scene {
  readonly stage: Stage;
  readonly switches: Switches;
  /** New ones, each of a device of its own. */
  readonly fresh: () => readonly Webhook[];
}

const setScene = (stage: Stage, count: number): Scene => {
  let next = 0;
  const fresh = (): readonly Webhook[] =>
    Array.from({ length: count }, () => {
      const devEui = devEuiOf((next += 1));
      return { devEui, body: uplinkBody(devEui, 0) };
    });
  return { stage, switches: openSwitches(stage, ['store']), fresh };
};

/** Posts them once more: all get a 2xx, and the bridge knows at least so many of them. */
const repeat = async (stage: Stage, webhooks: readonly Webhook[], { when, known }: { readonly when: string; readonly known: number }): Promise<void> => {
  const before = await stage.bridge.metric(series.duplicates);
  const answered = await postAll(stage.bridge, webhooks);
  stage.check(answered === webhooks.length, `${webhooks.length - answered} of ${webhooks.length} repeats ${when} were not answered 2xx`);
  const recognised = (await stage.bridge.metric(series.duplicates)) - before;
  stage.check(recognised >= known, `${recognised} of ${webhooks.length} repeats ${when} were recognised, at least ${known} were known`);
  stage.remark(`${recognised} duplicates of ${webhooks.length} repeats ${when}`);
};

const promise = (stage: Stage, webhooks: readonly Webhook[]): void => webhooks.forEach(({ devEui }) => stage.accepted(devEui, 0));

const givenUp = async (stage: Stage, webhooks: readonly Webhook[]): Promise<void> => {
  const answered = await postAll(stage.bridge, webhooks, impatient);
  stage.check(answered === 0, `${answered} webhooks were answered before the client gave up`);
};

/** The bridge is stopped (SIGSTOP) while it is posted to, and reads everything when it wakes up. */
const whileStopped = async ({ stage, fresh }: Scene): Promise<void> => {
  const webhooks = fresh();
  stage.bridge.program.signal('SIGSTOP');
  await givenUp(stage, webhooks);
  await givenUp(stage, webhooks);
  stage.bridge.program.signal('SIGCONT');
  await repeat(stage, webhooks, { when: 'after a stop', known: 1 });
  promise(stage, webhooks);
};

/** The disk is slow: the first post is being written when the second comes, twice at once. */
const whileSlow = async ({ stage, switches, fresh }: Scene): Promise<void> => {
  const webhooks = fresh();
  switches.set('slow', String(slowDiskMs));
  await givenUp(stage, webhooks);
  await repeat(stage, [...webhooks, ...webhooks], { when: 'on a slow disk', known: webhooks.length });
  switches.clear('slow');
  promise(stage, webhooks);
};

/** Killed between the commit and the answer: kept, but the network server does not know. AWS is away, so that nothing else makes duplicates. */
const acrossKill = async ({ stage, switches, fresh }: Scene): Promise<void> => {
  const webhooks = fresh();
  await outboxEmpty(stage);
  await stage.proxy.refuse();
  switches.set('kill', 'append durable 1');
  await Promise.all([givenUp(stage, webhooks), stage.bridge.program.ended]);
  switches.clear('kill');
  await switches.start();
  await repeat(stage, webhooks, { when: 'after a kill between commit and answer', known: 1 });
  promise(stage, webhooks);
  await stage.bridge.kill();
  await switches.start();
  await repeat(stage, webhooks, { when: 'after another kill', known: webhooks.length });
  await stage.recover(() => stage.proxy.restore());
};

/** Long delivered, and the bridge was stopped and started: still known. */
const acrossRestart = async ({ stage, switches, fresh }: Scene): Promise<void> => {
  const webhooks = fresh();
  const answered = await postAll(stage.bridge, webhooks);
  stage.check(answered === webhooks.length, `${webhooks.length - answered} webhooks were not answered 2xx`);
  promise(stage, webhooks);
  await stage.recover(() => undefined);
  await stage.bridge.stop();
  await switches.start();
  await repeat(stage, webhooks, { when: 'after delivery and a restart', known: webhooks.length });
};

const repeated: Row = {
  name: 'webhook-repeated',
  fault: 'the network server gives up waiting for the answer and posts the same webhook again: the bridge was stopped, its disk was slow, it was killed between commit and answer, it was restarted after the delivery',
  duplicates: 'none',
  boundSeconds: { quick: 90, long: 120 },
  async run(stage, form) {
    const scene = setScene(stage, form === 'quick' ? 30 : 200);
    await scene.switches.start();
    await whileStopped(scene);
    await whileSlow(scene);
    await stage.recover(() => undefined);
    await acrossKill(scene);
    await acrossRestart(scene);
  },
};

export const repeats: readonly Row[] = [repeated];
