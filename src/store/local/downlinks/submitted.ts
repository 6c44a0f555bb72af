import type { SubmittedDownlink, SubmittedDownlinks } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import type { InTurn } from '../../../in-turn.js';
import { hashKey, ownedKey, ownedRange } from '../keys.js';
import { decodeValue, encodeValue, timeOf } from '../json-value.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';

export interface LocalSubmitted extends SubmittedDownlinks {
  /** The change that a put makes. Only within the turn of the device. @throws BridgeError store_unavailable */
  planPut(submitted: SubmittedDownlink): (tables: DownlinkTables) => void;
}

export interface SubmittedParts {
  readonly environment: Environment<DownlinkTables>;
  readonly writer: Writer;
  readonly inTurn: InTurn;
  readonly reportWindowMs: number;
  readonly now: () => number;
}

interface Kept {
  readonly key: Buffer;
  readonly submitted: SubmittedDownlink;
  readonly fresh: boolean;
}

/** Most that are remembered for a device. */
const mostOfDevice = 64;

export const createSubmitted = ({ environment, writer, inTurn, reportWindowMs, now }: SubmittedParts): LocalSubmitted => {
  const keptOf = (deviceId: string): Kept[] =>
    reading(environment, (tables) => {
      const range = tables.submitted.getRange(ownedRange(hashKey(deviceId)));
      return [...range].flatMap(({ key, value }) => {
        const submitted = decodeValue<SubmittedDownlink>(value);
        return submitted?.downlink.deviceId === deviceId ? [{ key, submitted, fresh: timeOf(value) > now() - reportWindowMs }] : [];
      });
    });

  /** One that is over, which a sweep may be taking out, is never written again. */
  const planPut = (submitted: SubmittedDownlink): ((tables: DownlinkTables) => void) => {
    const { deviceId, id } = submitted.downlink;
    const kept = keptOf(deviceId);
    const same = kept.find(({ fresh, submitted: { downlink } }) => fresh && downlink.id === id);
    const key = same?.key ?? ownedKey(hashKey(deviceId), writer.nextSeq());
    const tooMany = same === undefined ? kept.slice(0, Math.max(0, kept.length - mostOfDevice + 1)) : [];
    const value = encodeValue(submitted.submittedAt, submitted);
    return (tables) => {
      for (const { key: old } of tooMany) void tables.submitted.remove(old);
      void tables.submitted.put(key, value);
    };
  };

  return {
    planPut,
    put: (submitted) => inTurn(submitted.downlink.deviceId, () => writer.commit({ kind: 'append', write: planPut(submitted) })),
    of: async (deviceId) => keptOf(deviceId).filter(({ fresh }) => fresh).map(({ submitted }) => submitted),
    remove: (deviceId, downlinkId) =>
      inTurn(deviceId, async () => {
        const kept = keptOf(deviceId).find(({ submitted: { downlink } }) => downlink.id === downlinkId);
        if (kept !== undefined) await writer.commit({ kind: 'append', write: (tables) => { void tables.submitted.remove(kept.key); } });
      }),
  };
};
