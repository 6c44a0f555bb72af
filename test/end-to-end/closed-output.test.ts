/** Whoever reads the output of a command stops reading, as `head` does. */
import t from 'tap';
import { testDir } from '../support/test-dir.js';
import { startSandbox } from './support/broker.js';
import { devEuiOf, postUplink } from './support/load.js';
import { startBridgeProgram } from './support/program.js';
import { setScene, startIn } from './support/scenarios.js';

void t.test('a command that only tells something ends without a word', async (t) => {
  for (const args of [['--help'], ['sandbox', '--help'], ['demo', '--help'], []]) {
    const program = startBridgeProgram(args);
    program.stopReading();
    t.equal(await program.ended, args.includes('--help') ? 0 : 2);
    t.equal(program.stderr(), '');
  }
});

void t.test('a sandbox whose events nobody reads ends in good order', async (t) => {
  const program = startBridgeProgram(['sandbox', '--data-dir', testDir(t), '--mqtt-port', '0', '--json']);
  await program.waitFor('its address', (line) => 'mqtt' in line);
  program.stopReading();
  program.send({ do: 'nothing that it knows' });
  t.equal(await program.ended, 0);
  t.equal(program.stderr(), '');
});

void t.test('a bridge goes on without its log', async (t) => {
  const scene = await setScene(t, startSandbox);
  const bridge = await startIn(t, scene);
  bridge.program.stopReading();
  t.equal(await postUplink(bridge, devEuiOf(1), 1), 204);
  const refused = await bridge.call('/in/nobody', { method: 'POST', body: '{}' });
  t.equal(refused.status, 404);
  t.equal(await postUplink(bridge, devEuiOf(1), 2), 204);
  t.equal(await bridge.stop(), 0);
  t.equal(bridge.program.stderr(), '');
});
