import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.js';
import type { TopicPattern } from '../topics/topic-pattern.js';
import { otherTypes } from '../topics/type-patterns.js';
import { UsageError } from './arguments.js';

/** What topics are rendered for. */
export type SampleMessage = Parameters<TopicPattern['render']>[0];

const types: readonly unknown[] = ['uplink', ...otherTypes];

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Short names of `--set` beside the paths of the message itself. */
const paths: Readonly<Record<string, string>> = {
  deviceName: 'device.name',
  application: 'device.application',
  networkServer: 'networkServer.id',
  networkServerKind: 'networkServer.kind',
};

const setAt = (tree: Tree, [key = '', ...rest]: readonly string[], value: unknown): Tree => {
  const below = tree[key];
  return { ...tree, [key]: rest.length === 0 ? value : setAt(isTree(below) ? below : {}, rest, value) };
};

const applySetting = (tree: Tree, setting: string): Tree => {
  const equals = setting.indexOf('=');
  if (equals < 1) throw new UsageError(`--set ${setting}: must be key=value`);
  const [key, value] = [setting.slice(0, equals), setting.slice(equals + 1)];
  return setAt(tree, (paths[key] ?? key).split('.'), key === 'fPort' || key === 'fCnt' ? Number(value) : value);
};

const readTree = (file: string): Tree => {
  let tree: unknown;
  try {
    tree = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`);
  }
  if (!isTree(tree)) throw new Error(`${file}: must be a JSON object`);
  return tree;
};

const basics = { id: '0'.repeat(32), type: 'uplink', receivedAt: '2026-01-01T00:00:00.000Z', networkServer: { id: 'sample', kind: 'chirpstack' } };

/**
 * A normalised message out of a JSON file, out of `key=value` settings, or both.
 * @throws UsageError for wrong settings; Error for a file that is no message
 */
export const sampleMessage = (file: string | undefined, settings: readonly string[]): SampleMessage => {
  const tree = settings.reduce(applySetting, { ...basics, ...(file === undefined ? {} : readTree(file)) });
  if (typeof tree['deviceId'] !== 'string' || tree['deviceId'] === '') throw new UsageError('the message has no deviceId: give --message FILE or --set deviceId=…');
  if (!types.includes(tree['type'])) throw new UsageError(`type must be one of ${types.join(', ')}`);
  if (!isTree(tree['networkServer'])) throw new UsageError('networkServer must be an object with id and kind');
  return tree as unknown as SampleMessage;
};
