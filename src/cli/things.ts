import { defineCommand, UsageError } from './arguments.js';
import type { Io } from './command.js';
import { connectionArguments, findConnection, reporting } from './find-connection.js';
import { callPrivateApi } from './private-api.js';

/** As the API answers. */
interface ThingsSync {
  readonly counts: Readonly<Record<string, number>>;
  readonly things: readonly { readonly thingName: string; readonly deviceId?: string; readonly state: string; readonly detail?: string }[];
}

const print = ({ counts, things }: ThingsSync, { stdout }: Io): void => {
  for (const { thingName, deviceId = '', state, detail } of things) stdout.write(`${state.padEnd(12)} ${thingName.padEnd(24)} ${deviceId}${detail === undefined ? '' : `  ${detail}`}\n`);
  stdout.write(`${Object.entries(counts).filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`).join(', ') || 'nothing to compare'}\n`);
};

export const thingsCommand = defineCommand({
  name: 'things',
  usage: 'things sync CONNECTION --config FILE [--url URL] [--apply] [--json]',
  summary: 'Compares the things in AWS with the devices that the running bridge knows; --apply makes what is missing and mends what is wrong, and deletes nothing.',
  run: (args, io) =>
    reporting(io, async () => {
      const given = connectionArguments(args);
      const [action, id] = given.words;
      if (action !== 'sync') throw new UsageError('say: things sync CONNECTION');
      const found = findConnection(id, given, io);
      if (typeof found === 'number') return found;
      const report = (await callPrivateApi(found.api, 'POST', `/connections/${encodeURIComponent(found.id)}/things/sync${given.apply ? '?apply=true' : ''}`)) as ThingsSync;
      if (given.json) io.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
      else print(report, io);
      return 0;
    }),
});
