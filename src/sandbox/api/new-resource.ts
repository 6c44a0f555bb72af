import { randomUUID } from 'node:crypto';
import { iotArn } from '../arn.js';
import { notFound } from './api-error.js';
import type { Resource } from './cloud.js';

let lastSequence = 0;

/** The next place in the order in which things are listed. */
export const nextSequence = (): number => {
  lastSequence += 1;
  return lastSequence;
};

/** What every resource has from its making on. `kind` as in its ARN. */
export const newResource = (kind: string, name: string): Resource => ({
  name,
  id: randomUUID(),
  arn: iotArn(`${kind}/${name}`),
  createdAt: new Date(),
  sequence: nextSequence(),
});

/** AWS writes times as seconds with a fraction. */
export const epochSeconds = (at: Date): number => at.getTime() / 1000;

/** @throws ApiError ResourceNotFoundException */
export const find = <T>(map: ReadonlyMap<string, T>, kind: string, name: string): T => {
  const found = map.get(name);
  if (found === undefined) throw notFound(kind, name);
  return found;
};
