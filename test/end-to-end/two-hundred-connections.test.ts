/** Two hundred connections on one bridge: all open, little memory, and a change to one leaves the others alone. How fast is told, not judged. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { until } from '../support/until.js';
import { make, postUplink, seedConnection, setLiveScene, startLiveBridge } from './support/live-scene.js';
import type { TestBridge } from './support/bridge.js';

const count = 200;
const ids = Array.from({ length: count }, (_, index) => `c${String(index).padStart(3, '0')}`);
const mostAnonymousMb = 400;
/** Beside other tests all of it takes longer. */
const boundMs = 90_000;

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly connects: number;
  readonly downlinks: { readonly state: string };
}

const listAll = async (bridge: TestBridge): Promise<Listed[]> => ((await bridge.api('GET', '/connections?limit=200')).json['connections'] as Listed[] | undefined) ?? [];

const isOpen = ({ state, downlinks }: Listed): boolean => state === 'OPENED' && downlinks.state === 'OPENED';

const allOpen = (bridge: TestBridge): Promise<void> => until('all connections open', async () => (await listAll(bridge)).filter(isOpen).length === count, boundMs);

const anonymousMb = async (pid: number): Promise<number> => Number(/RssAnon:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

void t.test('two hundred connections', async (t) => {
  const scene = await setLiveScene(t, { sandbox: ['--no-publishes'] });
  const { bridge, home } = scene;
  const document = (id: string): object => seedConnection(scene, { uplinkTopicPattern: `${id}/{DevEUI}/uplink`, downlinkTopicPattern: `${id}/{DevEUI}/downlink`, createDevices: true }, { id });
  const [first = ''] = ids;
  await make(bridge, '/connections', document(first));
  for (const id of ids) {
    if (id !== first) await make(bridge, '/connections', document(id));
    await make(bridge, '/flows', { id: `flow-${id}`, matchers: [{ tags: [id] }], connections: [id] });
  }
  await allOpen(bridge);
  t.equal(await bridge.stop(), 0);

  const begun = performance.now();
  const again = await startLiveBridge(t, home);
  const started = performance.now();
  await allOpen(again);
  t.comment(`${count} connections (${count * 2} sessions) open ${Math.round(performance.now() - begun)} ms after the start of the process, ${Math.round(performance.now() - started)} ms after it was ready`);
  for (const [index, id] of ids.entries()) t.equal(await postUplink(again, { devEui: (0x0018b20000000000n + BigInt(index)).toString(16).padStart(16, '0'), fCnt: 1, tags: [id] }), 204, `uplink to ${id}`);
  await until('every uplink delivered', async () => {
    const { body } = await again.private('/metrics');
    return body.split('\n').filter((line) => line.startsWith('lpwan_bridge_outbox_delivered_total{') && line.endsWith(' 1')).length === count;
  }, boundMs);
  const memory = await anonymousMb(again.program.pid);
  t.comment(`${Math.round(memory)} MB of anonymous memory`);
  t.ok(memory < mostAnonymousMb, `under ${mostAnonymousMb} MB of anonymous memory`);

  await t.test('a change to one leaves the other sessions untouched', async (t) => {
    const before = new Map((await listAll(again)).map(({ id, connects }) => [id, connects]));
    t.equal((await again.api('PATCH', '/connections/c100', { configuration: { keepAlive: '45s' } })).status, 200);
    await until('its new session', async () => {
      const { json } = await again.api('GET', '/connections/c100');
      return Number(json['connects']) > (before.get('c100') ?? 0) && json['state'] === 'OPENED';
    });
    t.equal((await again.api('DELETE', '/flows/flow-c150')).status, 204);
    t.equal((await again.api('DELETE', '/connections/c150?backlog=park')).status, 204);
    const after = (await listAll(again)).filter(({ id }) => id !== 'c100');
    t.equal(after.length, count - 2);
    t.strictSame(after.filter(({ id, connects }) => connects !== before.get(id)), [], 'their counts of connects stand');
    t.ok(after.every(isOpen), 'and they are open');
  });
});
