/** Where the parts of a stream of MQTT packets go. */
export interface PacketParts {
  /** A PUBACK that says nothing but a packet identifier and a reason code. */
  acknowledged(packetId: number, reasonCode: number): void;
  /** Everything else, in pieces that may end anywhere in a packet. */
  other(bytes: Buffer): void;
}

/** Takes the next bytes of a stream of MQTT packets. */
export type PubackReader = (chunk: Buffer) => void;

/** First byte of a PUBACK (MQTT 5.0, 3.4.1; the same in 3.1.1). */
const puback = 0x40;
/** A PUBACK of MQTT 3.1.1, or of MQTT 5 without reason code (success) or with one and no properties: its remaining length. */
const longestPlain = 4;
/** The remaining length takes four bytes at most (MQTT 5.0, 1.5.5). */
const longestLength = 4;

/** Where what follows the fixed header of a packet stands in its bytes. */
export interface Body {
  readonly start: number;
  /** Infinity for a malformed length, so that whoever reads the rest finds the fault. */
  readonly end: number;
}

/** What follows the fixed header of a packet; undefined while not all bytes of that are there. */
export const bodyAt = (bytes: Buffer, packet: number): Body | undefined => {
  let length = 0;
  for (let index = 0; index < longestLength; index += 1) {
    const byte = bytes[packet + 1 + index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80) return { start: packet + 2 + index, end: packet + 2 + index + length };
  }
  return { start: packet, end: Number.POSITIVE_INFINITY };
};

const mayBePlain = (bytes: Buffer, packet: number, { start, end }: Body): boolean => bytes[packet] === puback && start === packet + 2 && end - start <= longestPlain;

const isPlain = (bytes: Buffer, { start, end }: Body): boolean => end - start >= 2 && (end - start < longestPlain || bytes[start + 3] === 0);

/**
 * Picks the PUBACKs out of what a broker sends: nearly all of it, and each the same few bytes. Whoever parses the other packets sees whole
 * packets, and none of these.
 */
export const createPubackReader = (parts: PacketParts): PubackReader => {
  /** Bytes of the packet under way that still belong to the others. */
  let others = 0;
  /** Begin of a packet of which too little is known. */
  let begun: Buffer | undefined;

  return (chunk) => {
    const bytes = begun === undefined ? chunk : Buffer.concat([begun, chunk]);
    begun = undefined;
    /** From here to `at` all belongs to the others. */
    let from = 0;
    let at = Math.min(others, bytes.length);
    others -= at;
    const pass = (): void => {
      if (at > from) parts.other(bytes.subarray(from, at));
    };
    while (at < bytes.length) {
      const body = bodyAt(bytes, at);
      if (body === undefined || (body.end > bytes.length && mayBePlain(bytes, at, body))) {
        begun = bytes.subarray(at);
        break;
      }
      if (mayBePlain(bytes, at, body) && isPlain(bytes, body)) {
        pass();
        parts.acknowledged(bytes.readUInt16BE(body.start), body.end - body.start > 2 ? (bytes[body.start + 2] ?? 0) : 0);
        from = body.end;
      }
      others = Math.max(0, body.end - bytes.length);
      at = Math.min(body.end, bytes.length);
    }
    pass();
  };
};
