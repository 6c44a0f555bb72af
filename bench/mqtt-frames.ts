/** Called for each whole packet: its type (MQTT 3.1.1, 2.2.1), and where its variable header begins and the packet ends in the buffer. */
export type OnFrame = (type: number, buffer: Buffer, place: { readonly start: number; readonly end: number }) => void;

export const frameType = { connack: 2, publish: 3, suback: 9, unsuback: 11 } as const;

const longestLength = 4;

/** Where the variable header begins and the packet ends; undefined while the fixed header is not whole. @throws when the length is none (2.2.3) */
const placeOf = (buffer: Buffer, at: number): { start: number; end: number } | undefined => {
  let length = 0;
  for (let index = 0; index < longestLength; index += 1) {
    const byte = buffer[at + 1 + index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 0x80 ** index;
    if (byte < 0x80) return { start: at + 2 + index, end: at + 2 + index + length };
  }
  throw new Error('the broker sent a length that is none');
};

/** Cuts a stream into MQTT packets and looks at nothing else in them: an observer must cost next to nothing beside what it observes. */
export const createFrameCutter = (onFrame: OnFrame): ((chunk: Buffer) => void) => {
  let rest: Buffer | undefined;
  return (chunk) => {
    const buffer = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let place = placeOf(buffer, at); place !== undefined && place.end <= buffer.length; place = placeOf(buffer, at)) {
      onFrame((buffer[at] ?? 0) >> 4, buffer, place);
      at = place.end;
    }
    rest = at === buffer.length ? undefined : buffer.subarray(at);
  };
};
