/**
 * Options of Node that the bridge runs with, wherever the project starts it. With one thread for V8's work in the background instead of four, a full
 * collection no longer takes both cores of a small machine from the main thread and the broker (docs/decisions/0023-one-thread-for-v8.md).
 */
export const nodeOptions: readonly string[] = ['--v8-pool-size=1'];

/** The same for a process of this very program; what this one was given besides wins, since it comes later. */
export const childOptions = (): string[] => [...nodeOptions, ...process.execArgv];
