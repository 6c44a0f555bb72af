import type { Backlog } from './backlog.js';
import type { OutboxRecord } from './ports.js';
import type { Settlements } from './settlements.js';

export interface RereadsOptions {
  readonly settlements: Pick<Settlements, 'drop' | 'written'>;
  readonly backlog: Pick<Backlog, 'restart'>;
  /** Forgets what is in hand. */
  readonly putAway: () => void;
  /** Something may be ready: asks for a turn. */
  readonly schedule: () => void;
}

/** New beginnings with what the outbox holds, where what is in hand is another replica's by now, or may not be what the outbox holds. */
export interface Rereads {
  /** All is to be read anew: nothing more goes out before. */
  readonly due: boolean;
  /** As `Delivery.restart`. */
  restart(position: number): void;
  /** As `Delivery.reread`: makes it due. */
  ask(lost: boolean): void;
  /** Does what is due. To be called while nothing is under way. */
  begin(): void;
  /** Whether the outcome of the record's publish says nothing about what the outbox holds for this replica. */
  outdates(record: OutboxRecord): boolean;
}

export const createRereads = ({ settlements, backlog, putAway, schedule }: RereadsOptions): Rereads => {
  /** Positions up to it are another replica's: what comes of their last publishes concerns nobody here. */
  let horizon = 0;
  /** `whole`: after what is under way was settled; `lost`: without settling it; `now`: about to. */
  let due: 'whole' | 'lost' | 'now' | undefined;

  const readAll = (): void => {
    due = undefined;
    putAway();
    backlog.restart(0);
    schedule();
  };

  return {
    get due() {
      return due !== undefined;
    },
    restart(position) {
      if (position <= horizon) return;
      horizon = position;
      putAway();
      backlog.restart(position);
      schedule();
    },
    ask(lost) {
      if (lost) settlements.drop();
      due = lost ? 'lost' : (due ?? 'whole');
      schedule();
    },
    begin() {
      if (due === 'now') return;
      due = 'now';
      void settlements.written().then(readAll);
    },
    outdates: ({ seq }) => seq <= horizon || due === 'lost',
  };
};
