/** The gaps between the uplinks of one device, s. */
export interface Gaps {
  gaps: number;
  usualGap: number;
  longestGap: number;
}

export const speechLimits = {
  /** Nobody is silent before this, s. */
  shortestSilence: 3_600,
  /** Gaps that must be known, which is one less than uplinks. */
  leastGaps: 4,
  /** The mean is over about so many gaps. */
  remembered: 8,
} as const;

/** So much of the longest gap is left with each uplink: a device that was away once is soon judged by its usual gap again. */
const fading = 15 / 16;

export const learnGap = (device: Gaps, gap: number): void => {
  device.gaps = Math.min(device.gaps + 1, speechLimits.remembered);
  device.usualGap += (gap - device.usualGap) / device.gaps;
  device.longestGap = Math.max(gap, device.longestGap * fading);
};

/**
 * After how long a device counts as silent, s: three times its usual gap, and half as long again as the longest of late, so that one
 * that speaks in bursts is not silent between them. Infinite while it is not known well enough.
 */
export const silentAfter = ({ gaps, usualGap, longestGap }: Gaps): number =>
  gaps < speechLimits.leastGaps ? Infinity : Math.max(speechLimits.shortestSilence, 3 * usualGap, 1.5 * longestGap);
