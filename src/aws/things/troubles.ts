import type { Reason } from '../../errors.js';

/** Why registrations fail at the moment. */
export interface Trouble {
  readonly reason: Reason;
  readonly detail: string;
  /** Epoch ms. */
  readonly since: number;
}

/** Counts the devices that fail for each reason, so that a trouble is told once when it begins and once when it ends. */
export interface Troubles {
  enter(reason: Reason, detail: string): void;
  leave(reason: Reason): void;
  /** The one that lasts longest, with its latest words. */
  current(): Trouble | undefined;
}

export interface TroubleListener {
  began(trouble: Trouble): void;
  ended(reason: Reason): void;
}

export const createTroubles = (listener: TroubleListener): Troubles => {
  const open = new Map<Reason, { devices: number; trouble: Trouble }>();
  return {
    enter(reason, detail) {
      const known = open.get(reason);
      const trouble = { reason, detail, since: known?.trouble.since ?? Date.now() };
      open.set(reason, { devices: (known?.devices ?? 0) + 1, trouble });
      if (known === undefined) listener.began(trouble);
    },
    leave(reason) {
      const known = open.get(reason);
      if (known === undefined) return;
      known.devices -= 1;
      if (known.devices > 0) return;
      open.delete(reason);
      listener.ended(reason);
    },
    current: () => open.values().next().value?.trouble,
  };
};
