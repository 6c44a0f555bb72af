/** Queue of BullMQ that holds the wake-ups; part of its keys. */
export const wakeUpQueue = 'wake';

/** Every key begins with it; the braces keep all keys on one node of a Redis Cluster, as scripts over several keys need. */
export const hashTag = (keyPrefix: string): string => `{${keyPrefix}}`;

/**
 * A device id as part of keys and as BullMQ job id, which may neither hold `:` nor be a number.
 * The letter before says how the rest is written, so that no two ids meet.
 */
export const deviceKeyOf = (deviceId: string): string =>
  /^[\w.-]{1,64}$/.test(deviceId) ? `d-${deviceId}` : `e-${Buffer.from(deviceId).toString('base64url')}`;
