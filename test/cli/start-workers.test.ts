/** What `start --workers` refuses before anything is opened. */
import t from 'tap';
import { startCommand } from '../../src/cli/start.js';
import { checkWorkers, configOfWorker } from '../../src/cli/workers/worker.js';
import { loadConfig } from '../../src/config/load.js';
import { changed, exampleEnv, exampleFile } from '../support/example-config.js';
import { runCommand } from '../support/run-command.js';

const start = (file: string, count: string) => runCommand(startCommand, ['--config', file, `--workers=${count}`], exampleEnv);

void t.test('a count that is none', async (t) => {
  for (const count of ['0', 'two', '65', '-1', '1.5', '']) {
    const { code, stderr } = await start(exampleFile(t), count);
    t.equal(code, 2, count);
    t.match(stderr, '--workers must be a whole number from 1 to 64');
    t.match(stderr, `usage: lpwan-bridge ${startCommand.usage}`);
  }
});

void t.test('workers that could share nothing, or would meet at one private port', async (t) => {
  const loaded = loadConfig({ file: exampleFile(t), env: exampleEnv }).config;
  const { redis: _shared, ...alone } = loaded;
  const settings = { ...alone, private: { ...loaded.private, port: 0 } };
  t.match(t.throws(() => checkWorkers(settings, 2)), { reason: 'config_invalid', problems: [{ path: 'redis', message: /needed with --workers/ }, { path: 'private.port', message: /must not be 0/ }] });
  t.match(t.throws(() => checkWorkers({ ...alone, private: { ...loaded.private, port: 65_535 } }, 2)), { problems: [{ path: 'redis' }, { path: 'private.port', message: /must be at most 65534 with 2 workers/ }] });
});

void t.test('the command says so, path by path', async (t) => {
  const { code, stderr } = await start(exampleFile(t, changed('port: 9090', 'port: 65535')), '3');
  t.equal(code, 1);
  t.match(stderr, /^private\.port: must be at most 65533 with 3 workers/m);
});

void t.test('each worker has a data directory and a private port of its own', async (t) => {
  const { config } = loadConfig({ file: exampleFile(t), env: exampleEnv });
  const [one, two] = [configOfWorker(config, 1), configOfWorker(config, 2)];
  t.equal(one.dataDir, `${config.dataDir}/worker-1`);
  t.equal(two.dataDir, `${config.dataDir}/worker-2`);
  t.equal(one.private.port, config.private.port);
  t.equal(two.private.port, config.private.port + 1);
  t.strictSame([one.ingress, two.ingress], [config.ingress, config.ingress]);
});
