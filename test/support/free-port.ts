import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Listens for a moment. Resolves with the port, or with undefined where it is in use. */
const tryPort = async (port: number): Promise<number | undefined> => {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const { port: taken } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return taken;
};

const attempts = 100;

/** The first of so many ports of loopback in a row that are free now. @throws when there are none */
export const freePorts = async (count: number): Promise<number> => {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const first = (await tryPort(0)) ?? 0;
    let free = first > 0;
    for (let next = first + 1; free && next < first + count; next += 1) free = (await tryPort(next)) !== undefined;
    if (free) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
};

/** A port of loopback that is free now. */
export const freePort = (): Promise<number> => freePorts(1);
