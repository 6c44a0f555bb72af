import { X509Certificate } from 'node:crypto';
import type { Health } from '../api/private-listener.js';
import type { AwsConnection } from '../aws/aws-connection.js';
import type { Subscriber } from '../aws/subscriber.js';
import type { ConnectionConfig } from '../config/connection.js';
import type { StoreProblem } from '../downlink/ports.js';
import type { Reason } from '../errors.js';
import type { Outbox } from '../uplink/ports.js';
import type { Delivery } from '../uplink/deliver-uplink.js';

/** One connection with everything that belongs to it. */
export interface Line {
  readonly config: ConnectionConfig;
  readonly delivery: Delivery;
  readonly aws: AwsConnection;
  /** Absent where no downlinks are taken. */
  readonly subscriber?: Subscriber;
}

/** A network server whose downlink API fails. */
export interface FailingNetworkServer {
  readonly networkServerId: string;
  readonly reason: Reason;
  readonly detail?: string;
  /** Epoch ms. */
  readonly since: number;
}

/** Everything that health is made of. */
export interface HealthSources {
  readonly slot: string;
  readonly outbox: Pick<Outbox, 'unwritable' | 'pending'>;
  readonly lines: () => readonly Line[];
  /** What keeps the downlinks: the data directory or Redis. */
  readonly downlinks: { readonly component: string; readonly problem: () => StoreProblem | undefined };
  readonly failing: () => readonly FailingNetworkServer[];
}

type Problem = Health['problems'][number];

/** A certificate is worth a line in health this many days before it ends. */
const certificateWarningDays = 30;

export const certificateDays = (pem: string): number => (Date.parse(new X509Certificate(pem).validTo) - Date.now()) / 86_400_000;

const isoTime = (ms: number): string => new Date(ms).toISOString();

const problem = (component: string, { reason, since, detail }: { readonly reason?: Reason; readonly since: number; readonly detail?: string }, otherwise: Reason): Problem => ({
  component,
  reason: reason ?? otherwise,
  since: isoTime(since),
  ...(detail === undefined ? {} : { detail }),
});

const subscriberProblems = ({ config, subscriber }: Line): Problem[] => {
  const status = subscriber?.status();
  return status === undefined || status.state === 'opened' ? [] : [problem(`downlinks of connection ${config.id}`, status, 'session_lost')];
};

const lineProblems = (line: Line): Problem[] => {
  const { config, delivery, aws } = line;
  const component = `connection ${config.id}`;
  const problems: Problem[] = [];
  const status = aws.status();
  const held = delivery.heldSince();
  if (config.active && status.state !== 'opened') problems.push(problem(component, status, 'session_lost'));
  if (held !== undefined) problems.push({ component, reason: 'connection_held', since: isoTime(held) });
  const days = certificateDays(config.configuration.certificate);
  if (days < certificateWarningDays) problems.push({ component, reason: 'certificate_refused', detail: `the client certificate expires in ${Math.floor(days)} days` });
  return [...problems, ...subscriberProblems(line)];
};

const storeProblems = ({ outbox, downlinks }: HealthSources): Problem[] => {
  const unwritable = outbox.unwritable();
  const store = downlinks.problem();
  return [...(unwritable === undefined ? [] : [{ component: 'outbox', reason: unwritable }]), ...(store === undefined ? [] : [problem(downlinks.component, store, 'store_unavailable')])];
};

/** Names everything that is not as it should be. */
export const healthOf = (sources: HealthSources): Health => {
  const lines = sources.lines();
  const failing = sources.failing().map((one) => problem(`network server ${one.networkServerId}`, one, 'network_server_unreachable'));
  const problems = [...storeProblems(sources), ...lines.flatMap(lineProblems), ...failing];
  const connections = lines.map(({ config, aws, subscriber }) => ({
    id: config.id,
    active: config.active,
    ...aws.status(),
    pending: sources.outbox.pending(config.id),
    ...(subscriber === undefined ? {} : { downlinks: subscriber.status() }),
  }));
  return { status: problems.length === 0 ? 'ok' : 'degraded', problems, slot: sources.slot, connections };
};
