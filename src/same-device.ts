/** Where a device was heard, as far as its record says it. */
interface Heard {
  readonly networkServerId: string;
  readonly connectionIds: readonly string[];
  readonly address: Readonly<Record<string, string>>;
}

const sameTexts = (one: readonly string[], other: readonly string[]): boolean => one.length === other.length && one.every((text, index) => text === other[index]);

const sameEntries = (one: Heard['address'], other: Heard['address']): boolean => {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
};

/** Whether two records of one device say the same. Runs for every uplink, so it compares without serialising anything. */
export const isSameDevice = (one: Heard, other: Heard | undefined): boolean =>
  other !== undefined &&
  (one === other || (one.networkServerId === other.networkServerId && sameTexts(one.connectionIds, other.connectionIds) && sameEntries(one.address, other.address)));
