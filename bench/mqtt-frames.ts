import { bodyAt, type Body } from '../src/aws/puback-reader.js';

/** Called for each whole packet: its type (MQTT 3.1.1, 2.2.1), and where its variable header begins and the packet ends in the buffer. */
export type OnFrame = (type: number, buffer: Buffer, place: Body) => void;

export const frameType = { connack: 2, publish: 3, suback: 9, unsuback: 11 } as const;

/** @throws when the length is none (MQTT 3.1.1, 2.2.3) */
const placeOf = (buffer: Buffer, at: number): Body | undefined => {
  const place = bodyAt(buffer, at);
  if (place?.end === Number.POSITIVE_INFINITY) throw new Error('the broker sent a length that is none');
  return place;
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
