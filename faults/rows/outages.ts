import type { Proxy } from '../proxy.js';
import type { Form, Row } from '../row.js';
import type { Stage } from '../stage.js';

const devices = 50;
const perSecond: Readonly<Record<Form, number>> = { quick: 100, long: 50 };
const lengths: Readonly<Record<Form, readonly number[]>> = { quick: [1, 4], long: [1, 30, 600] };
/** An outage of this length shows in the health, s: `publishTimeout` and the probe after it are over. */
const shownAfter = 3;

const healthDuring = async (stage: Stage): Promise<void> => {
  const { bridge } = stage;
  const { status } = await bridge.private('/ready');
  stage.check(status === 200, `/ready answered ${status} during the outage`);
  const { body } = await bridge.private('/health');
  stage.check(body.includes('"degraded"') && body.includes('"connection main"'), `the health does not name the connection: ${body}`);
};

const outage = async (stage: Stage, away: () => unknown, seconds: number, rate: number): Promise<void> => {
  await stage.load({ devices, count: rate, perSecond: rate });
  await away();
  const count = rate * seconds;
  const accepted = await stage.load({ devices, count, perSecond: rate });
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were not answered 204 during an outage of ${seconds} s`);
  if (seconds >= shownAfter) await healthDuring(stage);
  // Live traffic goes on while the backlog drains.
  await Promise.all([stage.recover(() => stage.proxy.restore(), 120_000), stage.load({ devices, count: rate, perSecond: rate })]);
};

const outageRow = (name: string, fault: string, away: (proxy: Proxy) => unknown): Row => ({
  name,
  fault: `${fault}, for ${lengths.long.map((seconds) => (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`)).join(', ')} (quick: ${lengths.quick.join(' s, ')} s)`,
  stage: { configuration: { publishTimeout: '1s', connectTimeout: '1s' } },
  // What was in flight when AWS went silent may have arrived.
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 1_200 },
  async run(stage, form) {
    await stage.start();
    for (const seconds of lengths[form]) await outage(stage, () => away(stage.proxy), seconds, perSecond[form]);
  },
});

export const outages: readonly Row[] = [
  outageRow('aws-refused', 'AWS refuses connections', (proxy) => proxy.refuse()),
  outageRow('aws-blackholed', 'AWS swallows everything, nothing is closed', (proxy) => proxy.blackhole()),
  outageRow('aws-tls-hangs', 'connections are lost, and the TLS handshake of new ones hangs', (proxy) => proxy.hold()),
];
