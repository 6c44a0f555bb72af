import type { Command } from './command.js';
import { demoCommand } from './demo.js';
import { sandboxCommand } from './sandbox.js';
import { startCommand } from './start.js';

/** Every command of the program, in the order of its help. */
export const commands: readonly Command[] = [startCommand, demoCommand, sandboxCommand];
