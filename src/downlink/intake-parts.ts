import type { InTurn } from '../in-turn.js';
import type { Logger } from '../log.js';
import type { ConnectionDownlinks } from './complete-downlink.js';
import type { DownlinkMetrics } from './metrics.js';
import type { Devices, DownlinkLives, DownlinkQueue, DownlinkTarget, StatusOutlet, SubmittedDownlinks } from './ports.js';
import type { Reporter } from './report-status.js';
import type { TakeDownlink } from './take-downlink.js';

export interface IntakeOptions {
  readonly queue: Pick<DownlinkQueue, 'add' | 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly devices: Pick<Devices, 'find'>;
  readonly statuses: StatusOutlet;
  readonly lives: Pick<DownlinkLives, 'note'>;
  /** Both are read for each downlink: network servers and connections come and go, and a changed one is another object. */
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly connections: ReadonlyMap<string, ConnectionDownlinks>;
  readonly metrics: Pick<DownlinkMetrics, 'received' | 'rejected' | 'state'>;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** What the two ways in share: those of a device, whichever way they come, are taken one after another. */
export interface IntakeParts extends Pick<Required<IntakeOptions>, 'devices' | 'targets' | 'connections' | 'metrics' | 'logger' | 'now'> {
  readonly take: TakeDownlink;
  readonly reporter: Pick<Reporter, 'reject'>;
  readonly inTurn: InTurn;
}
