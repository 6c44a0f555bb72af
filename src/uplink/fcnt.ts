/** By the network server's clock, whether an uplink was received before or after the last one of its device. */
export type Order = 'before' | 'after' | 'unknown';

/** An uplink that comes after a later one. */
export const late = -1;

/** The counter began anew without a new DevAddr, as that of an ABP device that lost its power. */
export const reset = -2;

/** Most lost in a row for which a higher FCnt still belongs to the same session (MAX_FCNT_GAP, LoRaWAN 1.0.3, 4.3.1.5). */
const mostAhead = 16_384;

/** The same over the end of 16 bits, where a lower FCnt may be that of a reset too. */
const mostAheadOverEnd = 256;

/** Uplinks that are posted side by side pass each other by no more than this. */
const near = 16;

const lastOf16Bits = 0xffff;

/** The way from one to the other over the end of 16 bits; NaN where there is none. */
const wayOverEnd = (last: number, fCnt: number): number => {
  if (last > lastOf16Bits || fCnt > lastOf16Bits) return Number.NaN;
  return fCnt < last ? fCnt - last + lastOf16Bits + 1 : fCnt - last - lastOf16Bits - 1;
};

/**
 * How an FCnt follows the last one of the same session: how far it is ahead, 0 for the same one (sent again, or told twice), `late`
 * or `reset`. A frame carries the 16 low bits of the counter, and what a network server tells may be just those (LoRaWAN 1.0.4, 4.3.1.5).
 */
export const fCntStep = (last: number, fCnt: number, order: Order): number => {
  const ahead = fCnt - last;
  if (ahead >= 0 && ahead <= (order === 'before' ? near : mostAhead)) return ahead;
  const overEnd = wayOverEnd(last, fCnt);
  if (overEnd > 0 && overEnd <= mostAheadOverEnd) return overEnd;
  if (order !== 'unknown') return order === 'before' ? late : reset;
  return (ahead < 0 && ahead >= -near) || (overEnd < 0 && overEnd >= -near) ? late : reset;
};
