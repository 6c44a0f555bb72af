import { journalBytes, makeJournalFiles, openJournalFile } from '../../src/store/local/journal/journal-file.js';
import type { LeastMessage } from './least-message.js';

const idBytes = 16;
const headerBytes = idBytes + 4;

/** A file of the bridge's journal that begins anew at its end, and that nobody reads. */
export interface LeastJournal {
  /** Appends messages, and the ids of those that AWS has. Resolves when they are on the disk. */
  append(messages: readonly LeastMessage[], settled: readonly string[]): Promise<void>;
}

/** Makes the file in a folder. */
export const openLeastJournal = async (folder: string): Promise<LeastJournal> => {
  await makeJournalFiles(folder);
  const file = await openJournalFile(folder, 0);
  const page = Buffer.alloc(journalBytes);
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
    append(messages, settled) {
      const length = encode(messages, settled);
      if (position + length > journalBytes) position = 0;
      const begin = position;
      position += length;
      return file.write(page, length, begin);
    },
  };
};
