import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../durable-file.js';
import { hasCode, messageOf } from '../errors.js';
import type { Logger } from '../log.js';

/** Remembers over restarts what a client id is subscribed to, so that a filter that changed can be unsubscribed. */
export interface SubscriptionMemory {
  /** The filters that the client id may be subscribed to; none when nothing is known of it. */
  read(): Promise<readonly string[]>;
  /** Never throws: what cannot be written is logged, and the subscription works without. */
  write(filters: readonly string[]): Promise<void>;
}

export interface SubscriptionMemoryOptions {
  readonly path: string;
  readonly clientId: string;
  readonly logger: Logger;
}

/** A filter that a SUBSCRIBE could have carried (MQTT 5.0, 4.7.1): a wildcard is a whole level, and `#` the last. */
const isFilter = (text: string): boolean =>
  text !== '' && !text.includes('\0') && text.split('/').every((level, index, levels) => !/[+#]/.test(level) || level === '+' || (level === '#' && index === levels.length - 1));

const fileSchema = z.object({ clientId: z.string(), filters: z.array(z.string().refine(isFilter)).max(50) });

/** Keeps the memory in a small JSON file. A file of another client id, or one that cannot be read, counts as none. */
export const createSubscriptionMemory = ({ path, clientId, logger }: SubscriptionMemoryOptions): SubscriptionMemory => ({
  async read() {
    try {
      const remembered = fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      return remembered.clientId === clientId ? remembered.filters : [];
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) logger.warn({ detail: messageOf(error) }, 'subscription memory not readable');
      return [];
    }
  },
  async write(filters) {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await replaceFile(path, `${JSON.stringify({ clientId, filters })}\n`);
    } catch (error) {
      logger.warn({ detail: messageOf(error) }, 'subscription memory not written');
    }
  },
});
