import { Command } from 'ioredis';
import type { Argument } from '../script.js';

/** What is written at once: texts are gathered up to the next buffer. */
type Part = string | Buffer;

const lengthOf = (part: Part): number => (typeof part === 'string' ? Buffer.byteLength(part) : part.length);

/** The request as Redis reads it: the number of arguments, then each with its length in bytes before it ("Redis serialization protocol specification", arrays and bulk strings). */
const partsOf = (name: string, args: readonly Argument[]): Part[] => {
  const parts: Part[] = [];
  let text = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
  for (const arg of args) {
    if (Buffer.isBuffer(arg)) {
      parts.push(`${text}$${arg.length}\r\n`, arg);
      text = '\r\n';
    } else {
      const one = String(arg);
      text += `$${Buffer.byteLength(one)}\r\n${one}\r\n`;
    }
  }
  parts.push(text);
  return parts;
};

const requestOf = (name: string, args: readonly Argument[]): Buffer => {
  const parts = partsOf(name, args);
  const request = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + lengthOf(part), 0));
  let at = 0;
  for (const part of parts) at += typeof part === 'string' ? request.write(part, at) : part.copy(request, at);
  return request;
};

/**
 * A command that ioredis sends as it sends others, and that is put together in fewer pieces: an append has eight arguments for each record, one of which is a buffer.
 * Once one is, ioredis writes each text by itself, and each buffer, its length and its end.
 */
export class PackedCommand extends Command {
  readonly #request: Buffer;

  constructor(name: string, args: readonly Argument[], options: ConstructorParameters<typeof Command>[2] = {}) {
    // What ioredis would do with all of them costs as much as to write them. A cluster finds the node by the key, the third argument of a script.
    super(name, args.slice(0, 3), options);
    this.#request = requestOf(name, args);
  }

  override toWritable(): Buffer {
    return this.#request;
  }
}
