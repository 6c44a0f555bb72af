import { createLogger } from '../../../../src/log.js';
import { openLocalDownlinks } from '../../../../src/store/local/downlinks/local-downlinks.js';
import { newDownlink, newSubmitted } from '../../../contracts/downlink-store-samples.js';

/**
 * A process of its own for tests: `add-forever.js DATADIR` adds downlinks of three devices, collects from the mailbox of one more and notes what was
 * submitted; it prints `+NAME`, `<NAME` and `=NAME` only after the store said that it is durable. It runs until it is killed.
 */
const store = await openLocalDownlinks({ dataDir: process.argv[2] ?? '', ratePerSecond: () => 10_000, reportWindowMs: 3_600_000, logger: createLogger('silent') });
const options = { windowMs: 3_600_000, capacity: 1_000_000 } as const;

const say = (line: string): void => { process.stdout.write(`${line}\n`); };

const addOne = async (deviceId: string, name: string, delivery: 'submit' | 'mailbox'): Promise<void> => {
  await store.queue.add(newDownlink(name, deviceId), { ...options, delivery });
  say(`+${name}`);
};

const addTo = async (deviceId: string): Promise<never> => {
  for (let round = 0; ; round += 1) {
    await Promise.all(Array.from({ length: 8 }, (_, index) => addOne(deviceId, `${deviceId}.${round * 8 + index}`, 'submit')));
  }
};

const collectFrom = async (deviceId: string): Promise<never> => {
  for (let round = 0; ; round += 1) {
    await addOne(deviceId, `${deviceId}.${round}`, 'mailbox');
    if (round % 2 === 0) continue;
    const { downlink } = await store.queue.collect({ deviceId, requestId: `r${round}`, again: false, rememberMs: 3_600_000 });
    say(`<${downlink?.correlationId}@r${round}`);
  }
};

const submit = async (deviceId: string): Promise<never> => {
  for (let round = 0; ; round += 1) {
    await store.submitted.put(newSubmitted(newDownlink(`${deviceId}.${round}`, deviceId)));
    say(`=${deviceId}.${round}`);
  }
};

await Promise.all([addTo('a'), addTo('b'), addTo('c'), collectFrom('m'), submit('s')]);
