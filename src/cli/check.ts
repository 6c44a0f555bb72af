import { checkConnection, type CheckReport } from '../app/check-connection.js';
import { defineCommand } from './arguments.js';
import type { Io } from './command.js';
import { connectionArguments, findConnection, reporting, type NamedConnection } from './find-connection.js';
import { callPrivateApi } from './private-api.js';

const run = async ({ id, config, api }: NamedConnection, io: Io): Promise<CheckReport> =>
  config === undefined ? ((await callPrivateApi(api, 'POST', `/connections/${encodeURIComponent(id)}/check`)) as CheckReport) : checkConnection(config, io.signal);

const print = ({ steps }: CheckReport, { stdout }: Io): void => {
  for (const { step, result, durationMs, reason, detail, missing } of steps) {
    stdout.write(`${step.padEnd(22)} ${result.padEnd(8)} ${`${Math.round(durationMs)} ms`.padStart(8)}${reason === undefined ? '' : `  ${reason}`}${detail === undefined ? '' : `: ${detail}`}\n`);
    if (missing !== undefined) stdout.write(`${''.padEnd(22)} missing in the ${missing.policy === 'iot' ? 'IoT' : 'IAM'} policy: ${missing.action} on ${missing.resource}\n`);
  }
};

export const checkCommand = defineCommand({
  name: 'check',
  usage: 'check CONNECTION --config FILE [--url URL] [--json]',
  summary: 'Tries a connection step by step and names the permission that is missing. A connection that is not in the file is tried by the running bridge.',
  run: (args, io) =>
    reporting(io, async () => {
      const given = connectionArguments(args);
      const found = findConnection(given.words[0], given, io);
      if (typeof found === 'number') return found;
      const report = await run(found, io);
      if (given.json) io.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
      else print(report, io);
      return report.ok ? 0 : 1;
    }),
});
