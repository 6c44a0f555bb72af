import { environmentKeys } from './environment.js';
import { bridgeSchema } from './schema.js';
import { nodeOf, type FieldNode, type SchemaNode } from './schema-node.js';

/** Cells of a Markdown table must not end at a bar that stands in a pattern. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const defaultText = ({ spec, required, default: value }: FieldNode): string => {
  if (spec.defaultNote !== undefined) return spec.defaultNote;
  if (value === undefined) return required ? 'required' : '–';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
};

const keyText = (path: string, { spec }: FieldNode): string => (spec.file === true ? `\`${path}\` or \`${path.split('.').at(-1) ?? ''}_file\`` : `\`${path}\``);

/** The rows of the README table: key, value, default, environment variable, description. */
export const configTable = (): string => {
  const root = nodeOf(bridgeSchema);
  const variables = new Map([...environmentKeys(root)].map(([name, path]) => [path.join('.'), name]));
  const rows: string[][] = [];
  const walk = (node: SchemaNode, path: string): void => {
    if (node.kind === 'section') for (const [key, child] of node.keys) walk(child, path === '' ? key : `${path}.${key}`);
    else if (node.kind === 'list') walk(node.element, `${path}[]`);
    else rows.push([keyText(path, node), node.spec.form ?? 'text', defaultText(node), variables.has(path) ? `\`${variables.get(path) ?? ''}\`` : '–', node.spec.description]);
  };
  walk(root, '');
  const lines = [['Key', 'Value', 'Default', 'Environment', 'What it is'], ['---', '---', '---', '---', '---'], ...rows];
  return lines.map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
};

/**
 * Puts a generated text between `<!-- name:start -->` and `<!-- name:end -->`.
 * @throws Error when the markers are not there, once each and in this order
 */
export const replaceBetween = (text: string, name: string, body: string): string => {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [before, rest, ...more] = text.split(start);
  const [, after, ...moreEnds] = (rest ?? '').split(end);
  if (before === undefined || after === undefined || more.length > 0 || moreEnds.length > 0) throw new Error(`the text needs ${start} and ${end}, once each`);
  return `${before}${start}\n${body}\n${end}${after}`;
};
