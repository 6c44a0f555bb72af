import { Command } from 'ioredis';

/** What is written at once: texts are gathered up to the next buffer. */
type Part = string | Buffer;

const lengthOf = (part: Part): number => (typeof part === 'string' ? Buffer.byteLength(part) : part.length);

/** The request as Redis reads it: the number of arguments, then each with its length in bytes before it ("Redis serialization protocol specification", arrays and bulk strings). */
const partsOf = (args: readonly Part[]): Part[] => {
  const parts: Part[] = [];
  let text = `*${args.length}\r\n`;
  for (const arg of args) {
    text += `$${lengthOf(arg)}\r\n`;
    if (typeof arg === 'string') text += `${arg}\r\n`;
    else {
      parts.push(text, arg);
      text = '\r\n';
    }
  }
  parts.push(text);
  return parts;
};

/**
 * A command that ioredis sends as it sends others, and that is put together in fewer pieces: an append has eight arguments for each record, one of which is a buffer.
 * Once one is, ioredis writes each text by itself, and each buffer, its length and its end.
 */
export class PackedCommand extends Command {
  override toWritable(): Buffer {
    // ioredis has made texts of the numbers by now.
    const parts = partsOf([this.name, ...(this.args as readonly Part[])]);
    const request = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + lengthOf(part), 0));
    let at = 0;
    for (const part of parts) at += typeof part === 'string' ? request.write(part, at) : part.copy(request, at);
    return request;
  }
}
