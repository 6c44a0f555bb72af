import type { JsonObject } from '../../ports.js';
import type { ResourceView } from '../resource-view.js';

/** What the answers of every kind have beside the document. */
export const shownKeysOf = ({ origin, revision, createdAt, updatedAt, problems }: ResourceView): JsonObject => ({
  origin,
  revision,
  ...(createdAt === undefined ? {} : { createdAt }),
  ...(updatedAt === undefined ? {} : { updatedAt }),
  ...(problems.length === 0 ? {} : { problems: problems.map(({ path, message }) => ({ path, message })) }),
});
