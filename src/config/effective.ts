import { stringify } from 'yaml';
import { certificateLabel, pemText, readCertificate } from './certificates.js';
import type { LoadedConfig, Origin } from './load.js';
import { pathText, type KeyPath } from './problem.js';
import { bridgeSchema } from './schema.js';
import { nodeOf, type FieldNode, type SchemaNode, type SectionNode } from './schema-node.js';
import { redacted } from './secret.js';

const fieldEntry = (node: FieldNode, key: string, value: unknown, file: string | undefined): [string, unknown] => {
  if (file !== undefined) return [`${key}_file`, file];
  if (node.spec.secret === true) return [key, Array.isArray(value) ? value.map(() => redacted) : redacted];
  return [key, node.spec.pem === true ? `[certificate ${certificateLabel(readCertificate(pemText(String(value))))}]` : value];
};

const sectionEntries = (node: SectionNode, value: unknown, path: KeyPath, origin: Origin): [string, unknown][] => {
  const entries = node.before(value ?? {}) as Readonly<Record<string, unknown>>;
  return [...node.keys].flatMap(([key, child]): [string, unknown][] => {
    const given = entries[key] ?? child.default;
    const at = [...path, key];
    if (given === undefined) return [];
    return [child.kind === 'field' ? fieldEntry(child, key, given, origin.files.get(pathText(at))) : [key, effectiveOf(child, given, at, origin)]];
  });
};

const effectiveOf = (node: SchemaNode, value: unknown, path: KeyPath, origin: Origin): unknown => {
  if (node.kind === 'section') return Object.fromEntries(sectionEntries(node, value, path, origin));
  if (node.kind === 'list' && Array.isArray(value)) return value.map((entry: unknown, index) => effectiveOf(node.element, entry, [...path, index], origin));
  return value;
};

/**
 * The configuration in force as YAML: defaults filled in, the environment laid over the file. Secrets show as `[redacted]`, a
 * value from a file as the name of the file, a certificate as its subject and end.
 */
export const effectiveYaml = ({ origin }: LoadedConfig): string => stringify(effectiveOf(nodeOf(bridgeSchema), origin.tree, [], origin), { lineWidth: 0 });
