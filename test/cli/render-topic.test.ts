import t from 'tap';
import { join } from 'node:path';
import { renderTopicCommand } from '../../src/cli/render-topic.js';
import { runCommand } from '../support/run-command.js';
import { testDir } from '../support/test-dir.js';
import { uplink } from '../topics/messages.js';

void t.test('shows the topic, its bytes and levels', async (t) => {
  const { code, stdout } = await runCommand(renderTopicCommand, ['a/{DevEUI}/{FPort}', '--set', 'deviceId=78af580300000345', '--set', 'fPort=7']);
  t.equal(code, 0);
  t.match(stdout, /\ba\/78AF580300000345\/7$/m);
  t.match(stdout, /\b20\b/);
  t.match(stdout, /\b3\b/);
});

void t.test('reads a published message, and --set changes it', async (t) => {
  const file = join(testDir(t, { 'message.json': JSON.stringify(uplink) }), 'message.json');
  const { code, stdout } = await runCommand(renderTopicCommand, ['{application}/{$.device.tags.site}/{type}', '--message', file, '--set', 'device.tags.site=Lyon+1']);
  t.equal(code, 0);
  t.match(stdout, /climate\/Lyon%2B1\/uplink$/m);
});

void t.test('a keyword without a value, a topic too long, a wrong pattern: exit code 1 with the reason', async (t) => {
  const device = ['--set', 'deviceId=4d1a2b'];
  const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['{deviceName}', device, /^topic_unresolved: .*deviceName/],
    ['{deviceName}', [...device, '--set', `deviceName=${'x'.repeat(257)}`], /^topic_invalid: .*257 bytes/],
    ['a/+/{DevEUI}', device, /\+/],
    ['{nothing}', device, /unknown keyword \{nothing\}/],
    ['{DevEUI}', ['--message', 'does-not-exist.json'], /ENOENT/],
  ];
  for (const [pattern, args, expected] of rows) {
    const { code, stdout, stderr } = await runCommand(renderTopicCommand, [pattern, ...args]);
    t.equal(code, 1, pattern);
    t.equal(stdout, '');
    t.match(stderr, expected);
  }
});

void t.test('wrong arguments end with 2', async (t) => {
  for (const args of [[], ['a', 'b'], ['a', '--set', 'deviceId'], ['a', '--colour']]) {
    const { code, stderr } = await runCommand(renderTopicCommand, args);
    t.equal(code, 2, args.join(' '));
    t.not(stderr, '');
  }
});
