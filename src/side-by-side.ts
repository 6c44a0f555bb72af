/** So long after two messages were under way at the same time senders count as posting side by side, ms. */
const besideMs = 1_000;

/** Tells senders that post at the same time, who may wait for each other, from one that posts one after the other, who never has to. */
export interface SideBySide {
  /** Two messages are under way at this time (ms, of any clock). */
  note(at: number): void;
  is(at: number): boolean;
}

export const createSideBySide = (): SideBySide => {
  let notedAt = Number.NEGATIVE_INFINITY;
  return {
    note: (at) => void (notedAt = at),
    is: (at) => at - notedAt <= besideMs,
  };
};
