import { createRequire } from 'node:module';
import type { Command } from './command.js';

/** Reads a module and all that it imports at once; `import()` would go through the thread pool for every file, a sixth of what a start of the bridge costs. */
const require = createRequire(import.meta.url);

/** Each command in a file of its own, which is read only when it is needed: the bridge does not pay for the sandbox, nor the sandbox for the bridge. */
const loaders: Readonly<Record<string, () => Command>> = {
  start: () => (require('./start.js') as typeof import('./start.js')).startCommand,
  'check-config': () => (require('./check-config.js') as typeof import('./check-config.js')).checkConfigCommand,
  'print-config': () => (require('./print-config.js') as typeof import('./print-config.js')).printConfigCommand,
  check: () => (require('./check.js') as typeof import('./check.js')).checkCommand,
  policy: () => (require('./policy.js') as typeof import('./policy.js')).policyCommand,
  things: () => (require('./things.js') as typeof import('./things.js')).thingsCommand,
  token: () => (require('./token.js') as typeof import('./token.js')).tokenCommand,
  rekey: () => (require('./rekey.js') as typeof import('./rekey.js')).rekeyCommand,
  'render-topic': () => (require('./render-topic.js') as typeof import('./render-topic.js')).renderTopicCommand,
  replay: () => (require('./replay.js') as typeof import('./replay.js')).replayCommand,
  sandbox: () => (require('./sandbox.js') as typeof import('./sandbox.js')).sandboxCommand,
  demo: () => (require('./demo.js') as typeof import('./demo.js')).demoCommand,
};

/** The command of this name, or undefined. */
export const findCommand = (name: string): Command | undefined => (Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined);

/** Every command of the program, in the order of its help. */
export const allCommands = (): Command[] => Object.values(loaders).map((load) => load());
