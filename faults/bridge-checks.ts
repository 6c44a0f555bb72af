import type { Stage } from './stage.js';

/** Series of the connection `main`, and of the network server `factory`. */
export const series = {
  pending: 'lpwan_bridge_outbox_pending_messages{connection="main"}',
  expired: 'lpwan_bridge_outbox_expired_total{connection="main"}',
  validityEnded: 'lpwan_bridge_outbox_parked_total{connection="main",reason="validity_ended"}',
  sessionsLost: 'lpwan_bridge_sessions_lost_total{connection="main",reason="session_lost"}',
  forbidden: 'lpwan_bridge_outbox_parked_total{connection="main",reason="publish_forbidden"}',
  held: 'lpwan_bridge_connection_held{connection="main"}',
  duplicates: 'lpwan_bridge_messages_duplicate_total{network_server="factory"}',
} as const;

/** Ends what the broker was told to do wrong. */
export const endMisbehaviour = ({ broker }: Stage): Promise<unknown> => broker.control({ do: 'misbehave', rules: [] });

/** A counter that never counted is not there. */
export const stayedZero = async ({ bridge, check }: Stage, name: keyof typeof series, what: string): Promise<void> => {
  const count = await bridge.metric(series[name]);
  check(Number.isNaN(count) || count === 0, `${count} ${what}`);
};

export const outboxEmpty = (stage: Stage): Promise<boolean> => stage.eventually('an empty outbox', async () => (await stage.bridge.metric(series.pending)) === 0);

export const nothingParked = async ({ bridge, check }: Stage): Promise<void> => {
  const { body } = await bridge.api('GET', '/parked-messages');
  check((JSON.parse(body) as { readonly parkedMessages: readonly unknown[] }).parkedMessages.length === 0, `messages were parked: ${body.slice(0, 500)}`);
};

/** Ready, and nothing is degraded or stuck. */
export const healthy = (stage: Stage, boundMs: number): Promise<boolean> =>
  stage.eventually('/ready 200 and health "ok"', async () => (await stage.bridge.private('/ready')).status === 200 && (await stage.bridge.private('/health')).body.includes('"status":"ok"'), boundMs);
