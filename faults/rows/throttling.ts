import type { Row } from '../row.js';
import type { Stage } from '../stage.js';

const devices = 100;
const lostSessions = 'lpwan_bridge_sessions_lost_total{connection="main",reason="session_lost"}';

const noSessionLost = async (stage: Stage): Promise<void> => {
  const lost = await stage.bridge.metric(lostSessions);
  stage.check(lost === 0, `${lost} sessions were lost`);
};

const underLoad = async (stage: Stage, { count, rate }: { readonly count: number; readonly rate: number }): Promise<void> => {
  const accepted = await stage.load({ devices, count, perSecond: rate });
  stage.check(accepted === count, `${count - accepted} webhooks were not answered 204`);
};

const withheld = (name: string, fault: string, mode: 'discard' | 'deliver', duplicates: Row['duplicates']): Row => ({
  name,
  fault,
  stage: { configuration: { publishTimeout: '500ms' } },
  duplicates,
  boundSeconds: { quick: 90, long: 300 },
  async run(stage, form) {
    await stage.broker.control({ do: 'misbehave', rules: [{ action: 'withhold-puback', mode, share: 0.05 }] });
    await stage.start();
    await underLoad(stage, form === 'quick' ? { count: 1_000, rate: 300 } : { count: 18_000, rate: 300 });
    await stage.recover(() => undefined);
    const timeouts = await stage.bridge.metric('lpwan_bridge_publish_failures_total{connection="main",reason="publish_timeout"}');
    stage.check(timeouts > 0, 'no publish timed out');
    stage.remark(`${timeouts} publishes timed out`);
    await noSessionLost(stage);
  },
});

const slow = (name: string, fault: string, begin: (stage: Stage) => unknown): Row => ({
  name,
  fault,
  duplicates: 'none',
  boundSeconds: { quick: 90, long: 300 },
  async run(stage, form) {
    await begin(stage);
    await stage.start();
    await underLoad(stage, form === 'quick' ? { count: 400, rate: 50 } : { count: 3_000, rate: 50 });
    await stage.recover(() => undefined);
    await noSessionLost(stage);
  },
});

export const throttling: readonly Row[] = [
  withheld('pubacks-throttled', '5 % of publishes are discarded without a PUBACK, as AWS throttles', 'discard', 'none'),
  withheld('pubacks-lost', '5 % of publishes arrive and get no PUBACK', 'deliver', 'unavoidable'),
  slow('aws-slow', 'each PUBACK takes 2 s', ({ broker }) => broker.control({ do: 'misbehave', rules: [{ action: 'delay-puback', delayMs: 2_000 }] })),
  slow('link-slow', 'the link delays by 300 ms and carries 48 KiB/s each way', ({ proxy }) => proxy.shape({ delayMs: 300, bytesPerSecond: 48 * 1024 })),
];
