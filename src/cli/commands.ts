import type { Command } from './command.js';

/** Each command in a file of its own, which is read only when it is needed: the bridge does not pay for the sandbox, nor the sandbox for the bridge. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start.js')).startCommand,
  'check-config': async () => (await import('./check-config.js')).checkConfigCommand,
  'print-config': async () => (await import('./print-config.js')).printConfigCommand,
  check: async () => (await import('./check.js')).checkCommand,
  policy: async () => (await import('./policy.js')).policyCommand,
  things: async () => (await import('./things.js')).thingsCommand,
  token: async () => (await import('./token.js')).tokenCommand,
  rekey: async () => (await import('./rekey.js')).rekeyCommand,
  'render-topic': async () => (await import('./render-topic.js')).renderTopicCommand,
  replay: async () => (await import('./replay.js')).replayCommand,
  sandbox: async () => (await import('./sandbox.js')).sandboxCommand,
  demo: async () => (await import('./demo.js')).demoCommand,
};

/** The command of this name, or undefined. */
export const findCommand = async (name: string): Promise<Command | undefined> => (Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined);

/** Every command of the program, in the order of its help. */
export const allCommands = (): Promise<Command[]> => Promise.all(Object.values(loaders).map((load) => load()));
