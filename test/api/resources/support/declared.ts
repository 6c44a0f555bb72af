import type { Declared } from '../../../../src/api/resources/declared.js';
import { declaredResources } from '../../../../src/api/resources/declared.js';
import { bridgeSchema } from '../../../../src/config/schema.js';

/** The resources of a file that holds this, as they stand there with all references followed. */
export const declaredIn = (tree: Readonly<Record<string, unknown>>): Declared =>
  declaredResources({ config: bridgeSchema.parse(tree), origin: { file: 'bridge.yaml', tree, files: new Map() } });
