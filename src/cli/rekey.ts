import { rekey } from '../app/rekey.js';
import { BridgeError } from '../errors.js';
import { defineCommand } from './arguments.js';
import { loadOrReport } from './check-config.js';

export const rekeyCommand = defineCommand({
  name: 'rekey',
  usage: 'rekey --config FILE',
  summary: 'Seals all stored secrets with the current secrets.key; afterwards secrets.previousKeys can go. Without Redis the bridge must be stopped.',
  async run(args, io) {
    const loaded = loadOrReport(args, io);
    if (typeof loaded === 'number') return loaded;
    try {
      io.stdout.write(`sealed the secrets of ${await rekey(loaded)} resources with the current key\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      io.stderr.write(`${error.message}\n`);
      return 1;
    }
  },
});
