/** Resolves in the next event-loop turn, for all that asked in this one. */
export type Together = () => Promise<void>;

/**
 * Takes the requests of one event-loop turn through each stage together. Parsing and checking a document is as much code as reading HTTP: for one
 * request after the other each pushes the other out of the processor's caches, and both take longer (docs/performance.md).
 */
export const createTogether = (): Together => {
  let turn: Promise<void> | undefined;
  return () =>
    (turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        resolve();
      });
    }));
};
