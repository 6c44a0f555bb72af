import { constants, openSync, write } from 'node:fs';
import { open } from 'node:fs/promises';
import type { LeastMessage } from './least-message.js';

const fileBytes = 2 * 1024 * 1024;
const idBytes = 16;
const headerBytes = idBytes + 4;

/** Writes at a place of a file that is there already, and returns when the bytes are on the disk; at its end it begins anew. */
export interface LeastJournal {
  /** Appends messages, and the ids of those that AWS has. */
  append(messages: readonly LeastMessage[], settled: readonly string[], done: () => void): void;
}

export const openLeastJournal = async (path: string): Promise<LeastJournal> => {
  const file = await open(path, 'w', 0o600);
  await file.writeFile(Buffer.alloc(fileBytes)).then(() => file.sync()).finally(() => file.close());
  const fd = openSync(path, constants.O_RDWR | constants.O_DSYNC);
  const page = Buffer.alloc(fileBytes);
  let position = 0;

  const encode = (messages: readonly LeastMessage[], settled: readonly string[]): number => {
    let at = 0;
    for (const { id, topic, payload } of messages) {
      page.write(id, at + 4, idBytes, 'hex');
      page.writeUInt32LE(payload.length, at);
      at += headerBytes;
      at += page.write(topic, at);
      page.set(payload, at);
      at += payload.length;
    }
    for (const id of settled) at += page.write(id, at, idBytes, 'hex');
    return at;
  };

  return {
    append(messages, settled, done) {
      const length = encode(messages, settled);
      if (position + length > fileBytes) position = 0;
      write(fd, page, 0, length, position, (error) => {
        if (error !== null) throw error;
        done();
      });
      position += length;
    },
  };
};
