import type { Received, ReceivedMessages } from './received.js';

/** A downlink status as AWS received it. */
export interface Status {
  readonly topic: string;
  readonly id: string;
  readonly type: string;
  readonly deviceId: string;
  readonly state: string;
  readonly event?: string;
  readonly downlinkId?: string;
  readonly correlationId?: string;
  readonly correlationIds?: readonly string[];
  readonly attempt?: number;
  readonly cause?: { readonly code?: string; readonly text?: string };
  readonly networkServer?: { readonly id: string };
}

/** The downlink states among everything that a broker received; a redelivery counts once. */
export interface StatusLog {
  all(): readonly Status[];
  of(correlationId: string): readonly Status[];
  /** The states of a downlink in the order of arrival; the same state twice in a row counts once. */
  states(correlationId: string): readonly string[];
  /** @throws when the state does not come in time */
  until(correlationId: string, state: string, timeoutMs?: number): Promise<Status>;
  untilAll(correlationIds: readonly string[], state: string, timeoutMs?: number): Promise<void>;
  /** Correlation ids of all that were queued, in the order in which they were. */
  queued(): readonly string[];
  untilAny(what: string, wanted: (status: Status) => boolean, timeoutMs?: number): Promise<Status>;
}

const readStatus = ({ topic, payload }: Received): Status | undefined => (topic.endsWith('/downlink/status') ? { topic, ...(JSON.parse(payload) as Omit<Status, 'topic'>) } : undefined);

/** Reads each message once, however often it is asked. */
export const createStatusLog = (received: ReceivedMessages): StatusLog => {
  const statuses: Status[] = [];
  const byCorrelation = new Map<string, Status[]>();
  const seen = new Set<string>();
  let read = 0;

  const enter = (status: Status): void => {
    if (seen.has(status.id)) return;
    seen.add(status.id);
    statuses.push(status);
    const list = byCorrelation.get(status.correlationId ?? '');
    if (list === undefined) byCorrelation.set(status.correlationId ?? '', [status]);
    else list.push(status);
  };

  const refresh = (): void => {
    for (; read < received.all.length; read += 1) {
      const message = received.all[read];
      const status = message === undefined ? undefined : readStatus(message);
      if (status !== undefined) enter(status);
    }
  };

  const of = (correlationId: string): readonly Status[] => {
    refresh();
    return byCorrelation.get(correlationId) ?? [];
  };

  const states = (correlationId: string): readonly string[] => of(correlationId).map(({ state }) => state).filter((state, index, all) => state !== all[index - 1]);

  const untilFound = async (what: string, find: () => Status | undefined, timeoutMs: number): Promise<Status> => {
    await received.until(what, () => find() !== undefined, timeoutMs);
    const status = find();
    if (status === undefined) throw new Error(`${what} was lost`);
    return status;
  };

  const has = (correlationId: string, state: string): Status | undefined => of(correlationId).find((status) => status.state === state);

  return {
    all: () => {
      refresh();
      return statuses;
    },
    of,
    states,
    until: (correlationId, state, timeoutMs = 30_000) =>
      untilFound(`state ${state} of ${correlationId}`, () => has(correlationId, state), timeoutMs).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; its states: ${states(correlationId).join(', ')}`);
      }),
    async untilAll(correlationIds, state, timeoutMs = 60_000) {
      const missing = new Set(correlationIds);
      const without = (): boolean => {
        for (const id of missing) if (has(id, state) === undefined) return false;
          else missing.delete(id);
        return true;
      };
      await received.until(`state ${state} of ${correlationIds.length} downlinks`, without, timeoutMs).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; ${missing.size} are without it`);
      });
    },
    queued() {
      refresh();
      return statuses.filter(({ state }) => state === 'queued').map(({ correlationId = '' }) => correlationId);
    },
    untilAny: (what, wanted, timeoutMs = 30_000) =>
      untilFound(what, () => {
        refresh();
        return statuses.find(wanted);
      }, timeoutMs),
  };
};
