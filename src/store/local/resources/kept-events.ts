import type { EventLog } from '../../../api/ports.js';
import type { BridgeEvent } from '../../../messages/bridge-event.js';
import { createEventStorms } from './event-storms.js';
import type { EventTable } from './event-table.js';

/** Events of one subject that wait for the disk; of more, the oldest go: no more than that would be kept. */
const mostWaiting = 400;

interface Waiting {
  /** Order of noting. */
  readonly order: number;
  readonly event: BridgeEvent;
}

const subjectOf = ({ subject }: BridgeEvent): string => JSON.stringify([subject.kind, subject.id]);

/** Gathers events and writes them together. What cannot be written stays, as much of it as would be kept; the writer has logged why. */
export const createKeptEvents = (table: EventTable, everyMs: number): EventLog => {
  const waiting = new Map<string, Waiting[]>();
  const storms = createEventStorms();
  let orders = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let closed = false;

  const add = (entries: readonly Waiting[]): void => {
    for (const entry of entries) {
      const name = subjectOf(entry.event);
      const list = waiting.get(name) ?? [];
      list.push(entry);
      if (list.length > mostWaiting) list.shift();
      waiting.set(name, list);
    }
  };

  const addNew = (event: BridgeEvent): void => { add([{ order: (orders += 1), event }]); };

  const takeAll = (): Waiting[] => {
    const all = [...waiting.values()].flat().sort((one, other) => one.order - other.order);
    waiting.clear();
    return all;
  };

  /** Those that came meanwhile stand behind the ones that come back. */
  const putBack = (entries: readonly Waiting[]): void => {
    const later = takeAll();
    add([...entries, ...later]);
  };

  const write = async (): Promise<void> => {
    const entries = takeAll();
    if (entries.length === 0) return;
    await table.append(entries.map(({ event }) => event)).catch(() => { putBack(entries); });
  };

  const schedule = (): void => {
    if (!closed) timer ??= setTimeout(flush, everyMs).unref();
  };

  const flush = (): void => {
    timer = undefined;
    for (const event of storms.ended()) addNew(event);
    writing = write().finally(() => {
      writing = undefined;
      if (waiting.size > 0 || storms.pending()) schedule();
    });
  };

  return {
    note(event) {
      if (closed) return;
      if (storms.admits(event)) addNew(event);
      if (writing === undefined) schedule();
    },
    events: table.events,
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      await writing;
      for (const event of storms.ended(true)) addNew(event);
      await write();
    },
  };
};
