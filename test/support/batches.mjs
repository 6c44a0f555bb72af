// What is run, in which order, and what shares a process.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** These start processes, and run longer. */
const endToEnd = join('test', 'end-to-end') + '/';
const faults = join('test', 'faults') + '/';
export const startsProcesses = (source) => source.startsWith(endToEnd) || source.startsWith(faults);

const testFile = (name) => join('test', `${name}.test.ts`);

/** The slowest, the slowest first: begun early, none of them is left alone at the end. */
const first = [
  'end-to-end/downlink-crash', 'end-to-end/downlink-outage', 'end-to-end/sigfox-mailbox', 'end-to-end/redis-outage', 'end-to-end/dry-run', 'end-to-end/sandbox', 'end-to-end/mosquitto', 'end-to-end/hostile-input',
  'store/redis/sentinel', 'store/redis/wake-ups', 'store/redis/redis-downlinks', 'store/local/downlinks/local-downlinks', 'end-to-end/two-hundred-connections', 'aws/subscriber', 'downlink/submit-downlink', 'cli/live-commands',
].map(testFile);

/** Those that count what passes in a second have the machine for themselves: one that stands still for a moment makes two seconds of one. */
const alone = new Set(['end-to-end/downlink-rate', 'end-to-end/quota'].map(testFile));
export const isAlone = ([source]) => alone.has(source);

/** Folders whose files take less than a second each, and share a process. */
const short = ['app', 'downlink', 'flows', 'ingress', 'messages', 'network-servers', 'topics', 'uplink'].map((folder) => join('test', folder));
/** Files of one process at most, so that what fails is soon known. */
const mostInBatch = 9;

const isShort = (source) => !first.includes(source) && short.some((folder) => source.startsWith(`${folder}/`));

/** Neighbours that are short share a process. */
const gather = (sources) => {
  const batches = [];
  for (const source of sources) {
    const last = batches.at(-1);
    const joins = last !== undefined && isShort(source) && isShort(last[0]) && last.length < mostInBatch && dirname(source).startsWith(dirname(last[0]));
    if (joins) last.push(source);
    else batches.push([source]);
  }
  return batches;
};

/** The longest first; those that want to be alone at the end, so that the others are waited for once. */
const inOrder = (batches) => {
  const groups = [faults, endToEnd, join('test', 'store', 'redis') + '/', 'test'];
  const rank = ([source]) => (first.includes(source) ? first.indexOf(source) : first.length + groups.findIndex((group) => source.startsWith(group)));
  const others = batches.filter((batch) => !isAlone(batch)).sort((one, other) => rank(one) - rank(other));
  return [...others, ...batches.filter(isAlone)];
};

/**
 * @param {readonly string[]} sources
 * @param {boolean} together whether short ones may share a process
 * @returns {string[][]} each runs in a process of its own
 */
export const batchesOf = (sources, together) => inOrder(together ? gather(sources) : sources.map((source) => [source]));

/** The seconds after which a batch has failed. */
export const limitSeconds = ([source]) => (startsProcesses(source) ? 600 : 300);

/** @throws Error when a file was renamed, and its place here was not */
export const checkNames = () => {
  const gone = [...first, ...alone, ...short].find((path) => !existsSync(path));
  if (gone !== undefined) throw new Error(`test/support/batches.mjs names ${gone}, which does not exist`);
};
