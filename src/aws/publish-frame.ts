/** PUBLISH with QoS 1, neither DUP nor RETAIN (MQTT 5.0, 3.3.1; 3.1.1 alike). */
const publishQos1 = 0x32;

/** A variable byte integer has seven bits of the number in each byte (MQTT 5.0, 1.5.5). */
const bytesOfLength = (length: number): number => (length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4);

const writeLength = (frame: Buffer, length: number, at: number): number => {
  let [left, offset] = [length, at];
  for (; left >= 0x80; left >>>= 7) frame[offset++] = (left & 0x7f) | 0x80;
  frame[offset] = left;
  return offset + 1;
};

/** Most bytes that the remaining length of a packet can say (MQTT 5.0, 2.1.4). */
const mostBytes = 0xfff_ffff;

/**
 * A PUBLISH packet with QoS 1 in one piece, without properties: what mqtt-packet would write in seven.
 * @throws RangeError for a topic of more than 65,535 bytes or a packet of more than 256 MB, far beyond what AWS takes
 */
export const publishFrame = ({ topic, payload }: { readonly topic: string; readonly payload: Uint8Array }, packetId: number, version: 4 | 5): Buffer => {
  const topicLength = Buffer.byteLength(topic);
  const propertiesLength = version === 5 ? 1 : 0;
  const length = 2 + topicLength + 2 + propertiesLength + payload.length;
  if (length > mostBytes) throw new RangeError(`a packet of ${length} bytes`);
  const frame = Buffer.allocUnsafe(1 + bytesOfLength(length) + length);
  frame[0] = publishQos1;
  let at = frame.writeUInt16BE(topicLength, writeLength(frame, length, 1));
  at += frame.write(topic, at);
  at = frame.writeUInt16BE(packetId, at);
  if (version === 5) frame[at++] = 0;
  frame.set(payload, at);
  return frame;
};
