import type { Reason } from '../errors.js';
import type { Logger } from '../log.js';

/**
 * `opening`: connecting, or waiting to. `authenticating`: TLS stands and CONNECT is on its way. `opened`: at least one session stands.
 * `authentication_failed`: the certificate, the credentials or their policy were refused. `unreachable`: the endpoint cannot be
 * reached, or does not serve. `closed`: not started, stopped, or given up by the reconnect strategy.
 */
export type ConnectionState = 'opening' | 'authenticating' | 'opened' | 'authentication_failed' | 'unreachable' | 'closed';

export interface StateCause {
  readonly reason: Reason;
  readonly detail: string;
}

export interface StateChange extends Partial<StateCause> {
  readonly state: ConnectionState;
}

/** Stays after the connection opened again. */
export interface LastError extends StateCause {
  /** Epoch ms. */
  readonly time: number;
}

export interface KeptState extends StateChange {
  /** Epoch ms of the last change. */
  readonly since: number;
  readonly lastError?: LastError;
  /** Sessions that were opened since the start. */
  readonly connects: number;
}

export interface StateKeeper {
  readonly current: KeptState;
  set(change: StateChange): void;
  /** Counts a session. */
  connected(): void;
  /** Notes an error that did not change the state: other sessions carry on. */
  failed(cause: StateCause): void;
  /** Closed by the reconnect strategy, for the reason of the last error. */
  giveUp(strategy: string | undefined): void;
}

export interface StateKeeperOptions {
  readonly logger: Logger;
  /** The fixed text of the log line. */
  readonly text: string;
  /** Called when the state or its reason changed, and when an error of another reason came while it stayed as it was. */
  readonly changed?: ((state: KeptState) => void) | undefined;
}

/** Keeps a state and logs each change of it once, under a fixed text. */
export const createStateKeeper = ({ logger, text, changed }: StateKeeperOptions): StateKeeper => {
  let current: KeptState = { state: 'closed', since: Date.now(), connects: 0 };

  const errorOf = ({ reason, detail = '' }: Partial<StateCause>): { lastError?: LastError } => {
    if (reason !== undefined) return { lastError: { reason, detail, time: Date.now() } };
    return current.lastError === undefined ? {} : { lastError: current.lastError };
  };

  const log = ({ state, reason, detail }: StateChange): void => {
    const fields = { state, reason, detail };
    if (state === 'unreachable' || state === 'authentication_failed') logger.warn(fields, text);
    // Passed on the way to another one at each attempt.
    else if (state === 'authenticating') logger.debug(fields, text);
    else logger.info(fields, text);
  };

  const keeper: StateKeeper = {
    get current() {
      return current;
    },
    set(change) {
      const { since, state, reason } = current;
      const same = change.state === state && change.reason === reason;
      current = { ...change, ...errorOf(change), since: same ? since : Date.now(), connects: current.connects };
      if (same) return;
      log(change);
      changed?.(current);
    },
    connected() {
      current = { ...current, connects: current.connects + 1 };
    },
    failed(cause) {
      const known = current.lastError?.reason === cause.reason;
      current = { ...current, ...errorOf(cause) };
      if (known) return;
      logger.warn(cause, 'error while the connection goes on');
      changed?.(current);
    },
    giveUp(strategy = '') {
      const { reason = 'endpoint_unreachable', detail = '' } = current.lastError ?? {};
      keeper.set({ state: 'closed', reason, detail: `the reconnect strategy ${strategy} gave up: ${detail}` });
    },
  };
  return keeper;
};
