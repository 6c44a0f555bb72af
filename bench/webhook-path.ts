import { templates } from './load/templates.js';
import type { BodyKind } from './types.js';

/** Where a body goes, the same for every target: the network servers have the ids of their kinds. */
export const webhookPath = (body: BodyKind): string => `/in/${templates[body].networkServer}${templates[body].suffix}`;
