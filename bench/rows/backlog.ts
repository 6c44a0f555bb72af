import { until } from '../../test/support/until.js';
import { callApi, connectionDocument, pendingOf } from '../api.js';
import { openBridge, usual, warm, type Loaded } from '../cases.js';
import { connections, post } from '../measure.js';
import { watchUsage } from '../proc.js';
import type { Row } from '../row.js';
import { alternate, medianFor, type Sample } from '../sample.js';
import type { Scene } from '../scene.js';
import { drainMs, waitUntil } from '../start-bridge.js';
import { publishAlone } from '../start-target.js';

const id = 'late';
/** Between two looks whether all has left. A look costs the bridge half a millisecond, and the drain takes seconds. */
const lookEveryMs = 100;
const names = { drain: 'a backlog, from the first session to the last look at which something waited', publish: '(c) MQTT.js publishing alone' } as const;

/** A second connection gets all messages, and is paused until it has a backlog; an operator who mends an account does the same. */
const addPaused = async ({ bridge }: Loaded, scene: Scene): Promise<void> => {
  await callApi(bridge.privateUrl, 'POST /flows', { id: 'all', connections: ['main'] });
  await callApi(bridge.privateUrl, 'POST /connections', await connectionDocument(id, await scene.broker()));
  await callApi(bridge.privateUrl, 'PATCH /flows/all', { connections: [id] });
};

const setActive = ({ bridge }: Loaded, active: boolean): Promise<void> => callApi(bridge.privateUrl, `PATCH /connections/${id}`, { active });

/** Its first session is there. */
const isOpen = async ({ bridge }: Loaded): Promise<boolean> => (await bridge.metric(`lpwan_bridge_sessions_open{connection="${id}"}`)) > 0;

/**
 * Waits until nothing waits any more. Gives the speed up to the last look at which something still did, because the end itself
 * comes at some moment between two looks, and is seen up to `lookEveryMs` late.
 */
const followDrain = async ({ bridge }: Loaded, backlog: number): Promise<number> => {
  const begun = performance.now();
  let perSecond = 0;
  const look = async (): Promise<boolean> => {
    const left = await pendingOf(bridge.privateUrl, id);
    if (left > 0) perSecond = (1_000 * (backlog - left)) / (performance.now() - begun);
    return left === 0;
  };
  await waitUntil(look, { what: 'empty its outbox', everyMs: lookEveryMs, boundMs: drainMs });
  return perSecond;
};

/** Fills the outbox while the connection is paused, and lets it drain. */
const drain = async (loaded: Loaded, scene: Scene): Promise<Sample> => {
  const { bridge } = loaded;
  scene.tell('a backlog is taken in');
  const { answered } = await post(loaded, { ...usual, connections: connections.fullSpeed, seconds: 4 * scene.seconds });
  const backlog = await bridge.pending();
  if (backlog < answered) throw new Error(`${backlog} messages waited of ${answered}`);
  scene.tell(`${backlog} messages drain`);
  await setActive(loaded, true);
  await until('a session', () => isOpen(loaded));
  const watch = watchUsage(bridge.pids);
  const perSecond = await followDrain(loaded, backlog).finally(() => watch.stop());
  const usage = watch.soFar();
  await setActive(loaded, false);
  return {
    perSecond,
    cpuMicrosPerUplink: usage.cpuMicros / backlog,
    writtenBytesPerUplink: usage.writtenBytes / backlog,
    callsPerUplink: usage.readWriteCalls / backlog,
    peakRssAnonBytes: usage.peakRssAnonBytes,
    remark: `${Math.round(backlog / 1_000).toLocaleString('en')},000 messages`,
  };
};

export const backlog: Row = {
  name: 'backlog',
  what: 'Draining a backlog of 10,000 devices, pacing off',
  boundSeconds: ({ seconds, rounds }) => 70 + rounds * (6 * seconds + 80),
  async run(scene) {
    const broker = await scene.broker();
    const loaded = await openBridge(scene);
    await warm(scene, { name: names.drain, subject: loaded });
    await addPaused(loaded, scene);
    const ceiling = async (): Promise<Sample> => {
      scene.tell(names.publish);
      return { perSecond: (await publishAlone(broker, scene.seconds)).perSecond };
    };
    const samples = await alternate([{ name: names.publish, measure: ceiling }, { name: names.drain, measure: () => drain(loaded, scene) }], scene.rounds);
    const [publish, drained] = [medianFor(samples, names.publish), medianFor(samples, names.drain)];
    const ratioToPublishAlone = drained.perSecond / publish.perSecond;
    return { measured: [{ name: names.publish, ...publish }, { name: names.drain, ...drained, ratioToPublishAlone }], seen: { drainToPublishAlone: ratioToPublishAlone } };
  },
};
