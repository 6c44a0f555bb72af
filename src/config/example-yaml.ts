import { stringify } from 'yaml';
import { bridgeSchema } from './schema.js';
import { nodeOf, type FieldNode, type ListNode, type SchemaNode, type SectionNode } from './schema-node.js';

const header = `# Configuration of lpwan-bridge, generated from its schema (npm run docs).
#
# Lines that begin with "# " explain; lines that begin with "#" and no space are settings with their default or an example.
# Durations carry their unit (500ms, 10s, 5m, 2h), sizes may (512KiB, 256MB, 2GB). Relative paths start at this file's folder.
# \${VAR} and \${VAR:-default} take a value from the environment, a key with _file from a file; LPWAN_… variables win over this file.
`;

const width = 120;

const wrap = (text: string): string[] =>
  text.split(' ').reduce<string[]>(
    (lines, word) => {
      const last = lines.at(-1) ?? '';
      return last.length + word.length + 1 > width ? [...lines, word] : [...lines.slice(0, -1), last === '' ? word : `${last} ${word}`];
    },
    [''],
  );

const isLive = (node: SchemaNode): boolean => {
  if (node.kind === 'field') return node.spec.example !== undefined;
  return node.kind === 'list' ? isLive(node.element) : [...node.keys.values()].some(isLive);
};

/** Hints are YAML as they stand. */
const valueText = ({ spec, default: fallback }: FieldNode): string => {
  const value = spec.example ?? (spec.hint === undefined ? fallback : undefined);
  return value === undefined ? (spec.hint ?? '') : stringify(value, { lineWidth: 0, ...(typeof value === 'object' ? { collectionStyle: 'flow' } : {}) }).trim();
};

const fieldLine = (key: string, node: FieldNode): string => `${node.spec.pem === true ? `${key}_file` : key}: ${valueText(node)}`;

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const keyLines = (key: string, node: SchemaNode): string[] => {
  if (node.kind === 'field') return [fieldLine(key, node)];
  return [`${key}:`, ...indented(node.kind === 'list' ? listLines(node) : sectionLines(node))];
};

/** One key with its description above; what has no example is commented out as a whole. */
const describedLines = ([key, node]: readonly [string, SchemaNode], live: boolean): string[] => {
  const lines = keyLines(key, node);
  return [...wrap(node.spec.description).map((line) => `# ${line}`), ...(!live || isLive(node) ? lines : lines.map((line) => `#${line}`))];
};

const sectionLines = (node: SectionNode): string[] => [...node.keys].flatMap((entry) => describedLines(entry, isLive(node)));

/** The first key of an entry stands behind the dash, so its description goes above it. */
const listLines = ({ element }: ListNode): string[] => {
  const lines = element.kind === 'section' ? sectionLines(element) : [];
  const first = lines.findIndex((line) => !line.startsWith('#'));
  return [...lines.slice(0, first), `- ${lines[first] ?? ''}`, ...indented(lines.slice(first + 1))];
};

/** The text of config/bridge.example.yaml. */
export const exampleYaml = (): string => {
  const root = nodeOf(bridgeSchema);
  const entries = root.kind === 'section' ? [...root.keys] : [];
  return [header, ...entries.map((entry) => `${describedLines(entry, true).join('\n')}\n`)].join('\n');
};
