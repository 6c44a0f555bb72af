import { chirpstackUplink, demoWebhooks } from './bodies.js';
import type { Arrivals } from './arrivals.js';
import { post, type Stage } from './stage.js';

/** How long AWS is away, and what comes in meanwhile. */
const outage = { seconds: 4, perSecond: 50, devices: 10 };

/** Webhooks in the formats of all four network servers, one after the other. */
export const showFormats = async (stage: Stage): Promise<void> => {
  stage.screen.heading('Webhooks of four network servers, and what AWS receives');
  for (const webhook of demoWebhooks(new Date())) {
    const { status } = await post(stage, webhook);
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
    const { status } = await post(stage, chirpstackUplink(devEui, fCnt, new Date().toISOString()));
    if (status === 204) accepted.set(devEui, [...(accepted.get(devEui) ?? []), fCnt]);
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

/** AWS goes away under load and comes back. */
export const showOutage = async (stage: Stage): Promise<void> => {
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
