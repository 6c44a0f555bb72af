import type { Effective } from '../api/resources/effective.js';
import type { Removal } from '../api/resources/effective.js';
import type { Resources } from '../api/resources/resources.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';

export interface FollowOptions {
  readonly resources: Pick<Resources, 'effective' | 'onChange' | 'refresh'>;
  readonly apply: (effective: Effective, removal?: Removal) => void;
  readonly logger: Logger;
}

/** How often a store that could not be read at start is asked again, ms. */
const againMs = 1_000;

/**
 * Applies what is configured, now and after each change. Resolves when it was applied for the first time, or when the store
 * could not be read: then it is asked again until it can, and nothing is applied before, because the file alone may send messages to the wrong place.
 */
export const followResources = async ({ resources, apply, logger }: FollowOptions): Promise<{ stop(): void }> => {
  let timer: NodeJS.Timeout | undefined;
  let known = false;

  const begin = async (): Promise<void> => {
    try {
      await resources.refresh();
      known = true;
    } catch (error) {
      logger.warn({ detail: messageOf(error) }, 'the resources cannot be read yet; nothing is taken until they can');
      timer = setTimeout(() => void begin(), againMs);
      return;
    }
    apply(resources.effective());
  };

  const unfollow = resources.onChange((effective, removal) => {
    if (known) apply(effective, removal);
  });
  await begin();
  return {
    stop() {
      clearTimeout(timer);
      unfollow();
    },
  };
};
