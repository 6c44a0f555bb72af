/** How long the values of records are that were read and are still there, so that settling one need not look it up. */
export interface ReadSizes {
  note(seq: number, bytes: number): void;
  /** Undefined where it is not known. */
  find(seq: number): number | undefined;
  /** The record is removed. */
  forget(seq: number): void;
}

/** More than are read ahead of their settling. Positions that share a place push each other out. */
const places = 32_768;

export const createReadSizes = (): ReadSizes => {
  const seqs = new Float64Array(places).fill(-1);
  const sizes = new Uint32Array(places);

  return {
    note(seq, bytes) {
      const place = seq % places;
      seqs[place] = seq;
      sizes[place] = bytes;
    },
    find(seq) {
      const place = seq % places;
      return seqs[place] === seq ? sizes[place] : undefined;
    },
    forget(seq) {
      const place = seq % places;
      if (seqs[place] === seq) seqs[place] = -1;
    },
  };
};
