import { hashText } from '../text-hash.js';

/**
 * Which devices may have messages in the part of a backlog that is not in memory. A counting filter of fixed size: it may take a device
 * for one that has some, because another with the same place in the filter has, but never the other way round.
 */
export interface UnreadDevices {
  /** Nothing is unread, and what will be is told. */
  begin(): void;
  /** All that is unread was added by now. */
  complete(): void;
  /** Something is unread that was not added: every device may have some. */
  forget(): void;
  add(deviceId: string): void;
  /** Of a message that was added. */
  remove(deviceId: string): void;
  mayHave(deviceId: string): boolean;
}

/** 256 KB, held only while there is something unread. With 10,000 devices in the backlog 7 % of the others are taken for one of them. */
const places = 131_072;
/** A place that is as full as this is not counted any more. */
const full = 65_535;

const placeOf = (deviceId: string): number => hashText(0, deviceId) & (places - 1);

export const createUnreadDevices = (): UnreadDevices => {
  let known = false;
  let counts: Uint16Array | undefined;
  return {
    begin() {
      known = true;
      counts = undefined;
    },
    complete: () => void (known = true),
    forget() {
      known = false;
      counts = undefined;
    },
    add(deviceId) {
      counts ??= new Uint16Array(places);
      const place = placeOf(deviceId);
      const count = counts[place] ?? 0;
      if (count < full) counts[place] = count + 1;
    },
    remove(deviceId) {
      if (counts === undefined) return;
      const place = placeOf(deviceId);
      const count = counts[place] ?? 0;
      if (count > 0 && count < full) counts[place] = count - 1;
    },
    mayHave: (deviceId) => !known || (counts !== undefined && (counts[placeOf(deviceId)] ?? 0) > 0),
  };
};
