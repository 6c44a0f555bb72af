import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BridgeError, messageOf } from '../../errors.js';
import { giveToOwnerOf } from '../../durable-file.js';

export interface DataDirLock {
  release(): Promise<void>;
}

/**
 * How the lock works. Each process listens on a Unix socket of its own, with a random name, in the folder `bridge.lock`; then it
 * looks at the other names there. One that answers belongs to a live process; one that refuses is left over from a dead one
 * and can be removed without a race, because names are never used twice. As everybody listens before looking, of two that start at once at
 * least one sees the other, and whoever sees another gives way. The kernel closes the socket of a killed process, so no lock outlives its holder.
 */
type Neighbour = 'holding' | 'starting' | 'dead';

/** A Unix socket's path holds 108 bytes on Linux, 104 on macOS and the BSDs. */
const longestPath = 100;
/** A paused process accepts the connection (its kernel does) and says nothing: it still holds the lock. */
const answerTimeoutMs = 1_000;
/** Two that keep meeting each other while starting: each gives way and comes again after a random pause. */
const attempts = 20;

const lockFolder = async (dataDir: string, name: string): Promise<string> => {
  const folder = join(await realpath(dataDir), name);
  if (Buffer.byteLength(folder) + 9 <= longestPath) return folder;
  return join(tmpdir(), `lpwan-bridge-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
};

const neighbourByError: Readonly<Record<string, Neighbour>> = { ECONNREFUSED: 'dead', ENOENT: 'dead', ECONNRESET: 'starting' };

const ask = (path: string): Promise<Neighbour> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect(path);
    const end = (neighbour: Neighbour): void => {
      socket.destroy();
      resolve(neighbour);
    };
    socket.setTimeout(answerTimeoutMs, () => { end('holding'); });
    socket.on('data', (bytes) => (answer += bytes.toString('latin1')));
    // No answer before the end: that process is just going away, so it is worth asking again.
    socket.on('end', () => { end(answer === 'holding' ? 'holding' : 'starting'); });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => { end(neighbourByError[code ?? ''] ?? 'holding'); });
  });

const listen = async (path: string, answer: () => string): Promise<Server> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(answer());
  });
  server.unref();
  server.listen(path);
  await once(server, 'listening');
  return server;
};

/** Asks everybody else in the folder, and removes the names of the dead. */
const neighboursOf = async (folder: string, own: string): Promise<{ readonly live: Neighbour[]; readonly ownIsThere: boolean }> => {
  const names = await readdir(folder);
  const live: Neighbour[] = [];
  for (const name of names) {
    if (name === own) continue;
    const neighbour = await ask(join(folder, name));
    if (neighbour === 'dead') await rm(join(folder, name), { force: true });
    else live.push(neighbour);
  }
  return { live, ownIsThere: (await readdir(folder)).includes(own) };
};

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => { resolve(); }));

/** One try: the lock, or why not. */
const tryLock = async (folder: string): Promise<DataDirLock | 'in use' | 'met another'> => {
  const own = randomBytes(4).toString('hex');
  let answer = 'starting';
  const server = await listen(join(folder, own), () => answer);
  const { live, ownIsThere } = await neighboursOf(folder, own);
  // A name vanishes when somebody asked between its bind and its listen; nobody would find this process any more.
  if (live.length === 0 && ownIsThere) {
    answer = 'holding';
    return { release: () => close(server) };
  }
  await close(server);
  return live.includes('holding') ? 'in use' : 'met another';
};

/** How long a change in another process may take before it counts as hung, ms. */
const longestHoldMs = 10_000;

/**
 * Takes a lock that everybody holds only for a moment, waiting for whoever has it. The name is that of its folder in the data directory.
 * @throws BridgeError store_unavailable when it is not free in 10 s
 */
export const lockBriefly = async (dataDir: string, name: string): Promise<DataDirLock> => {
  const folder = await lockFolder(dataDir, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await giveToOwnerOf(dataDir, folder);
  const end = performance.now() + longestHoldMs;
  for (;;) {
    const result = await tryLock(folder);
    if (typeof result === 'object') return result;
    if (performance.now() > end) throw new BridgeError('store_unavailable', { detail: `another process holds ${folder}` });
    await pause(5 + Math.random() * 50);
  }
};

const takeLock = async (dataDir: string): Promise<DataDirLock> => {
  await mkdir(dataDir, { recursive: true });
  const folder = await lockFolder(dataDir, 'bridge.lock');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const result = await tryLock(folder);
    if (typeof result === 'object') return result;
    if (result === 'in use') break;
    await pause(10 + Math.random() * 100);
  }
  throw new BridgeError('data_dir_in_use', { detail: `another bridge runs on ${dataDir}` });
};

/**
 * Makes sure that no other bridge works on the data directory, on this machine. Two machines that mount the same directory do not see each other.
 * @throws BridgeError `data_dir_in_use`; `store_unavailable` when the directory cannot be made or written
 */
export const lockDataDir = async (dataDir: string): Promise<DataDirLock> => {
  try {
    return await takeLock(dataDir);
  } catch (cause) {
    throw cause instanceof BridgeError ? cause : new BridgeError('store_unavailable', { detail: `the data directory ${dataDir} cannot be written: ${messageOf(cause)}`, cause });
  }
};
