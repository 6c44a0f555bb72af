/** Parked messages that somebody takes out just now: each by one only. */
export interface ParkedClaims {
  /** Claims for a commit what nobody else takes out. `shared`: the commits of others, on whose end what they took depends. */
  claim(seqs: Iterable<number>, commit: Promise<unknown>): { readonly claimed: ReadonlySet<number>; readonly shared: ReadonlySet<Promise<unknown>> };
  release(seqs: Iterable<number>): void;
  has(seq: number): boolean;
}

export const createParkedClaims = (): ParkedClaims => {
  const taking = new Map<number, Promise<unknown>>();
  return {
    claim(seqs, commit) {
      const claimed = new Set<number>();
      const shared = new Set<Promise<unknown>>();
      for (const seq of seqs) {
        const first = taking.get(seq);
        if (first === undefined) claimed.add(seq);
        else if (first !== commit) shared.add(first);
        taking.set(seq, first ?? commit);
      }
      return { claimed, shared };
    },
    release(seqs) {
      for (const seq of seqs) taking.delete(seq);
    },
    has: (seq) => taking.has(seq),
  };
};
