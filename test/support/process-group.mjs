// Starts commands in process groups of their own and ends every group that is left, so that no test leaves a process behind.
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** What a group that was told to end may still use to say why it hangs. */
const graceMs = 3_000;

const running = new Set();

const signalGroup = (pid, signal) => {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** However we end, by an error of our own too, nothing is left behind. */
process.once('exit', () => running.forEach((pid) => signalGroup(pid, 'SIGKILL')));

/** Starts a command; its process id is also the id of its group. */
export const startGroup = (command, args, options = {}) => {
  const child = spawn(command, args, { ...options, detached: true });
  if (child.pid === undefined) return child;
  running.add(child.pid);
  child.once('exit', () => {
    // What the command started and left behind has nobody to answer to any more.
    signalGroup(child.pid, 'SIGKILL');
    running.delete(child.pid);
  });
  return child;
};

/** Asks a group to end, and ends it when it does not. */
export const endGroup = async (pid) => {
  signalGroup(pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (running.has(pid) && Date.now() < deadline) await delay(50);
  signalGroup(pid, 'SIGKILL');
};

/** Ends every group still running. */
export const endAllGroups = () => Promise.all([...running].map(endGroup));

/** Runs a command to its end. Resolves with its exit code, 1 when a signal ended it, and with everything it wrote. */
export const runQuietly = (command, args) =>
  new Promise((resolve, reject) => {
    const child = startGroup(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(output).toString() }));
  });
