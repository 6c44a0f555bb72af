/** Room for so many at once. */
export interface Room {
  /** Waits for room, as long as `mostMs`. @returns whether there was any; who came in must `leave` */
  enter(mostMs: number): Promise<boolean>;
  /** Comes in, room or not. */
  push(): void;
  leave(): void;
}

/** Who waits longest comes in first. */
export const createRoom = (size: number): Room => {
  const waiting = new Set<() => void>();
  let inside = 0;

  const admit = (): void => {
    for (const enter of waiting) {
      if (inside >= size) return;
      inside += 1;
      waiting.delete(enter);
      enter();
    }
  };

  const wait = (mostMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const enter = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        waiting.delete(enter);
        resolve(false);
      }, mostMs);
      waiting.add(enter);
    });

  return {
    enter(mostMs) {
      if (inside >= size) return wait(mostMs);
      inside += 1;
      return Promise.resolve(true);
    },
    push() { inside += 1; },
    leave() {
      inside -= 1;
      admit();
    },
  };
};
