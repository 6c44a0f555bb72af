import type { ConnectionConfig } from '../config/connection.js';
import { messageOf } from '../errors.js';
import { createInTurn } from '../in-turn.js';
import { deadlineIn, within, type Deadline } from '../lifecycle.js';
import type { MetricFamily } from '../metric-family.js';
import type { Revised } from './by-revision.js';
import { createLine, type Line, type LineDeps } from './line.js';

/** The connections that run, under their ids. */
export interface Lines {
  get(id: string): Line | undefined;
  all(): Iterable<Line>;
  /** Their configuration. */
  configs(): Iterable<ConnectionConfig>;
  /** Makes them what is configured now. Each change takes its own time, and one that fails or is slow does not hold up the others. What waits for an unusable one is kept. */
  apply(configured: ReadonlyMap<string, Revised<ConnectionConfig>>, unusable: ReadonlySet<string>): void;
  /** The slot changed: all up to the position is another replica's, and so are the client ids of before. */
  reslot(position: number): void;
  stopReceiving(deadline: Deadline): Promise<void>;
  /** Waits for changes under way too. */
  stop(deadline: Deadline): Promise<void>;
}

export interface LinesDeps extends LineDeps {
  readonly family: MetricFamily;
  /** Empties the outbox of a connection that is gone. */
  readonly clearBacklog: (id: string) => Promise<void>;
}

interface Known {
  readonly line: Line;
  revision: string;
}

/** How long the sessions of a deleted connection may take to end, ms. */
const closeMs = 10_000;

export const createLines = (deps: LinesDeps, make: typeof createLine = createLine): Lines => {
  const lines = new Map<string, Known>();
  const underWay = new Set<Promise<void>>();
  const inTurn = createInTurn();
  const { family, outbox, logger } = deps;

  const run = (id: string, work: () => Promise<void>): void => {
    const mine = inTurn(id, work)
      .catch((error: unknown) => {
        logger.error({ connection_id: id, detail: messageOf(error) }, 'a change of the connection did not take effect');
        deps.note({ subject: { kind: 'connection', id }, time: Date.now(), level: 'error', text: 'change did not take effect', detail: messageOf(error) });
      })
      .finally(() => underWay.delete(mine));
    underWay.add(mine);
  };

  const open = (id: string, { config, revision }: Revised<ConnectionConfig>): void => {
    const line = make(config, deps);
    lines.set(id, { line, revision });
    // With new series, what waits now stands at the beginning of its books; with those of before it was counted already.
    if (family.add(id)) deps.metrics.uplinks.restored(id, outbox.pending(id).messages);
    run(id, () => line.apply(config));
  };

  const close = (id: string, { line }: Known, keep: boolean): void => {
    lines.delete(id);
    run(id, async () => {
      await line.stop(deadlineIn(closeMs));
      if (keep) return;
      await deps.clearBacklog(id);
      if (lines.has(id)) return;
      await line.things.forget();
      // Made again meanwhile, it goes on with these series.
      if (!lines.has(id)) family.remove(id);
    });
  };

  const put = (id: string, next: Revised<ConnectionConfig>): void => {
    const known = lines.get(id);
    if (known === undefined) return open(id, next);
    if (known.revision === next.revision) return;
    known.revision = next.revision;
    run(id, () => known.line.apply(next.config));
  };

  const each = (work: (line: Line) => Promise<void>): Promise<void> => Promise.all([...lines.values()].map(({ line }) => work(line))).then(() => undefined);

  return {
    get: (id) => lines.get(id)?.line,
    *all() {
      for (const { line } of lines.values()) yield line;
    },
    configs: () => [...lines.values()].map(({ line }) => line.config),
    apply(configured, unusable) {
      for (const [id, known] of [...lines]) if (!configured.has(id)) close(id, known, unusable.has(id));
      for (const [id, one] of configured) put(id, one);
    },
    reslot(position) {
      for (const [id, { line }] of lines) {
        line.restart(position);
        run(id, () => line.reslot());
      }
    },
    stopReceiving: (deadline) => each((line) => line.stopReceiving(deadline)),
    async stop(deadline) {
      await each((line) => line.stop(deadline));
      await within(deadline, Promise.all(underWay).then(() => undefined));
    },
  };
};
