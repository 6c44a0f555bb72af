import { effectiveYaml } from '../config/effective.js';
import { defineCommand } from './arguments.js';
import { loadOrReport } from './check-config.js';

export const printConfigCommand = defineCommand({
  name: 'print-config',
  usage: 'print-config --config FILE',
  summary: 'Prints the configuration in force: defaults, environment and file together, secrets masked.',
  async run(args, io) {
    const loaded = loadOrReport(args, io);
    if (typeof loaded === 'number') return loaded;
    io.stdout.write(effectiveYaml(loaded));
    return 0;
  },
});
