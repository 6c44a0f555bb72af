import { policiesOf } from '../app/policies.js';
import { defineCommand } from './arguments.js';
import { connectionArguments, findConnection, reporting } from './find-connection.js';
import { callPrivateApi } from './private-api.js';

export const policyCommand = defineCommand({
  name: 'policy',
  usage: 'policy CONNECTION --config FILE [--url URL]',
  summary: 'Prints the least IoT policy (for the certificate) and the least IAM policy (for the AWS credentials) that a connection needs, as JSON.',
  run: (args, io) =>
    reporting(io, async () => {
      const given = connectionArguments(args);
      const found = findConnection(given.words[0], given, io);
      if (typeof found === 'number') return found;
      const { id, config, loaded, api } = found;
      const policies = config === undefined ? await callPrivateApi(api, 'GET', `/connections/${encodeURIComponent(id)}/policy`) : policiesOf(config, loaded.config);
      io.stdout.write(`${JSON.stringify(policies, undefined, 2)}\n`);
      return 0;
    }),
});
