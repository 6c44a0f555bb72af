import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Listens for a moment, and says whether it could. */
const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
};

/**
 * Below the ports that the system gives to connections and to listeners without a wish (from 32768 on Linux, 49152 elsewhere): none of
 * those, of whatever else runs on the machine, takes one of these between the choice here and its use.
 */
const range = { from: 12_000, to: 32_000 };

const attempts = 100;

/** The first of so many ports of loopback in a row that are free now. @throws when there are none */
export const freePorts = async (count: number): Promise<number> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const first = randomInt(range.from, range.to);
    let free = true;
    for (let next = first; free && next < first + count; next += 1) free = await isFree(next);
    if (free) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
};

/** A port of loopback that is free now. */
export const freePort = (): Promise<number> => freePorts(1);
