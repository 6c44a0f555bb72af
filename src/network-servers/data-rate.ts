/**
 * Data rates as text, in the notation of the packet forwarder protocol (`datr` of Semtech's Gateway to Server Interface),
 * with bandwidths in kHz. Undefined where a part is not told.
 */

/** `SF7BW125`. */
export const loraDataRate = (spreadingFactor: number | undefined, bandwidthHz: number | undefined): string | undefined =>
  spreadingFactor === undefined || bandwidthHz === undefined ? undefined : `SF${spreadingFactor}BW${bandwidthHz / 1000}`;

/** `FSK50000`: bits per second. */
export const fskDataRate = (bitsPerSecond: number | undefined): string | undefined =>
  bitsPerSecond === undefined ? undefined : `FSK${bitsPerSecond}`;

/** `M0CW137`: LR-FHSS by its grid type and operating channel width. */
export const lrFhssDataRate = (gridType: number | undefined, operatingChannelWidthHz: number | undefined): string | undefined =>
  operatingChannelWidthHz === undefined ? undefined : `M${gridType ?? 0}CW${operatingChannelWidthHz / 1000}`;
