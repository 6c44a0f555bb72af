import { checkCommand } from './check.js';
import { checkConfigCommand } from './check-config.js';
import type { Command } from './command.js';
import { demoCommand } from './demo.js';
import { policyCommand } from './policy.js';
import { printConfigCommand } from './print-config.js';
import { rekeyCommand } from './rekey.js';
import { renderTopicCommand } from './render-topic.js';
import { replayCommand } from './replay.js';
import { sandboxCommand } from './sandbox.js';
import { startCommand } from './start.js';
import { thingsCommand } from './things.js';
import { tokenCommand } from './token.js';

/** Every command of the program, in the order of its help. */
export const commands: readonly Command[] = [
  startCommand, checkConfigCommand, printConfigCommand, checkCommand, policyCommand, thingsCommand, tokenCommand, rekeyCommand, renderTopicCommand, replayCommand, sandboxCommand, demoCommand,
];
