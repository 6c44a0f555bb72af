import { readFile } from 'node:fs/promises';
import t from 'tap';
import { nodeOptions } from '../../src/cli/node-options.js';

/** Every line by which the project tells somebody, or something, to start the bridge. */
const startingLines = [
  { file: 'package.json', line: /"start": ".*dist\/main\.js start"/gu },
  { file: 'Dockerfile', line: /^ENTRYPOINT .*dist\/main\.js.*$/gmu },
  { file: 'deploy/lpwan-bridge.service', line: /^ExecStart=.*dist\/main\.js start.*$/gmu },
  { file: 'README.md', line: /node .*dist\/main\.js start --config/gu },
];

void t.test('wherever the project starts the bridge, Node gets the options that it is measured with', async (t) => {
  for (const { file, line } of startingLines) {
    const found = (await readFile(file, 'utf8')).match(line) ?? [];
    t.not(found.length, 0, `${file} starts the bridge`);
    for (const text of found) for (const option of nodeOptions) t.ok(text.includes(option), `${file}: ${text} has ${option}`);
  }
});
