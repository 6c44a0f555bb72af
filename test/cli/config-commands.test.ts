import t from 'tap';
import { checkConfigCommand } from '../../src/cli/check-config.js';
import { printConfigCommand } from '../../src/cli/print-config.js';
import { changed, exampleFile, exampleConfig, exampleEnv, keyLines } from '../support/example-config.js';
import { runCommand } from '../support/run-command.js';

const secrets = [...Object.values(exampleEnv), ...keyLines()];

void t.test('check-config says that a configuration is valid', async (t) => {
  const { code, stdout, stderr } = await runCommand(checkConfigCommand, ['--config', exampleFile(t)], exampleEnv);
  t.equal(code, 0);
  t.match(stdout, /^(the configuration|config) is valid$/m);
  t.equal(stderr, '');
});

void t.test('check-config tells warnings', async (t) => {
  const yaml = changed('authenticate: { header: { name: x-api-key, value: "${FACTORY_KEY}" } }', 'authenticate: none');
  const { code, stdout } = await runCommand(checkConfigCommand, ['--config', exampleFile(t, yaml)], exampleEnv);
  t.equal(code, 0);
  t.match(stdout, 'warning: networkServers[0].authenticate: anybody who reaches the listener is believed\n');
});

void t.test('check-config tells every problem on stderr', async (t) => {
  const yaml = changed('port: 8080', 'port: x').replace('maxClients: 10', 'maxClients: 99');
  const { code, stdout, stderr } = await runCommand(checkConfigCommand, ['--config', exampleFile(t, yaml)], exampleEnv);
  t.equal(code, 1);
  t.equal(stdout, '');
  t.equal(stderr, 'ingress.port: must be a whole number from 0 to 65535\nconnections[0].configuration.maxClients: must be a whole number from 1 to 10\n');
});

void t.test('print-config shows what is in force and no secret', async (t) => {
  const { code, stdout, stderr } = await runCommand(printConfigCommand, ['--config', exampleFile(t)], { ...exampleEnv, LPWAN_INGRESS_PORT: '8181' });
  t.equal(code, 0);
  t.match(stdout, /port: "?8181"?\n/);
  t.match(stdout, 'dedupWindow: 2h');
  t.match(stdout, '[redacted]');
  for (const secret of secrets) t.notOk(`${stdout}${stderr}`.includes(secret));
});

void t.test('no secret is printed when the configuration is wrong', async (t) => {
  const yaml = exampleConfig.replace('kind: chirpstack', 'kind: x').replace('name: x-api-key', 'name: "not a name"');
  for (const command of [checkConfigCommand, printConfigCommand]) {
    const { code, stdout, stderr } = await runCommand(command, ['--config', exampleFile(t, yaml)], exampleEnv);
    t.equal(code, 1);
    t.match(stderr, 'networkServers[0].kind: must be one of');
    for (const secret of secrets) t.notOk(`${stdout}${stderr}`.includes(secret));
  }
});

void t.test('wrong arguments end with 2 and the usage', async (t) => {
  for (const command of [checkConfigCommand, printConfigCommand]) {
    for (const args of [[], ['--config'], ['--colour', 'red'], ['--config', 'a', 'b']]) {
      const { code, stdout, stderr } = await runCommand(command, args);
      t.equal(code, 2, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, command.usage);
    }
  }
});
