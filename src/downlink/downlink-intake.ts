import { createInTurn } from '../in-turn.js';
import type { IntakeOptions, IntakeParts } from './intake-parts.js';
import type { ReceiveDownlink } from './ports.js';
import { createPostDownlink, type PostDownlink } from './post-downlink.js';
import { createReceiveDownlink } from './receive-downlink.js';
import { createReporter } from './report-status.js';
import { createTakeDownlink } from './take-downlink.js';

/** The ways in for downlinks: AWS's subscriptions, and the API. */
export interface DownlinkIntake {
  readonly receive: ReceiveDownlink;
  readonly post: PostDownlink;
}

export const createDownlinkIntake = (options: IntakeOptions): DownlinkIntake => {
  const { now = Date.now } = options;
  const reporter = createReporter({ ...options, now });
  const parts: IntakeParts = { ...options, now, reporter, take: createTakeDownlink({ ...options, reporter }), inTurn: createInTurn() };
  return { receive: createReceiveDownlink(parts), post: createPostDownlink(parts) };
};
