import type { Reason } from '../errors.js';
import type { Logger } from '../log.js';

export type ConnectionState = 'opening' | 'opened' | 'unreachable' | 'closed';

export interface StateChange {
  readonly state: ConnectionState;
  readonly reason?: Reason;
  readonly detail?: string;
}

export interface StateKeeper {
  /** `since`: epoch ms of the last change. */
  readonly current: StateChange & { readonly since: number };
  set(change: StateChange): void;
}

/** Keeps a state and logs each change of it once, under a fixed text. */
export const createStateKeeper = (logger: Logger, text: string): StateKeeper => {
  let current: StateKeeper['current'] = { state: 'closed', since: Date.now() };
  return {
    get current() {
      return current;
    },
    set(change) {
      if (change.state === current.state && change.reason === current.reason) return;
      current = { ...change, since: Date.now() };
      const fields = { state: change.state, reason: change.reason, detail: change.detail };
      if (change.state === 'unreachable') logger.warn(fields, text);
      else logger.info(fields, text);
    },
  };
};
