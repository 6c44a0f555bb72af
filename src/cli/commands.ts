import { checkConfigCommand } from './check-config.js';
import type { Command } from './command.js';
import { demoCommand } from './demo.js';
import { printConfigCommand } from './print-config.js';
import { renderTopicCommand } from './render-topic.js';
import { replayCommand } from './replay.js';
import { sandboxCommand } from './sandbox.js';
import { startCommand } from './start.js';

/** Every command of the program, in the order of its help. */
export const commands: readonly Command[] = [startCommand, checkConfigCommand, printConfigCommand, renderTopicCommand, replayCommand, sandboxCommand, demoCommand];
