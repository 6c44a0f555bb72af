import { BridgeError } from '../errors.js';
import { compileJsonPath, type JsonPath } from './json-path.js';
import { firstUnsafe } from './topic-value.js';

export const topicKeywords = ['DevEUI', 'devEui', 'deviceId', 'FPort', 'networkServer', 'networkServerKind', 'application', 'deviceName', 'type'] as const;
export type TopicKeyword = (typeof topicKeywords)[number];

export type Alternative =
  | { readonly kind: 'keyword'; readonly keyword: TopicKeyword }
  | { readonly kind: 'path'; readonly path: JsonPath }
  | { readonly kind: 'text'; readonly text: string };

/** What stands between braces: the first alternative with a value is used. */
export interface Placeholder {
  /** As written, without the braces. */
  readonly source: string;
  readonly alternatives: readonly Alternative[];
}

/** A pattern in pieces: fixed text, or a placeholder. */
export type Segment = string | Placeholder;

const fail = (at: number, detail: string): never => {
  throw new BridgeError('config_invalid', { detail: `at character ${at + 1}: ${detail}` });
};

const isKeyword = (name: string): name is TopicKeyword => (topicKeywords as readonly string[]).includes(name);

const unknownKeyword = (name: string): string => {
  const near = topicKeywords.find((keyword) => keyword.toLowerCase() === name.toLowerCase());
  return `unknown keyword {${name}}; ${near === undefined ? `keywords are ${topicKeywords.join(', ')}` : `did you mean {${near}}?`}`;
};

const textAlternative = (source: string, at: number): Alternative => {
  const text = source.slice(1, -1);
  if (source.length < 2 || !source.endsWith(source.charAt(0)) || text.includes(source.charAt(0))) fail(at, `the text ${source} is not quoted rightly`);
  if (text === '') fail(at, 'a fallback text must not be empty');
  if (text.includes('/') || firstUnsafe(text) !== undefined) fail(at, `the fallback text ${source} must not hold /, +, # or control characters`);
  return { kind: 'text', text };
};

const alternativeOf = (source: string, at: number): Alternative => {
  if (source.startsWith("'") || source.startsWith('"')) return textAlternative(source, at);
  if (source.startsWith('$')) {
    try {
      return { kind: 'path', path: compileJsonPath(source) };
    } catch (error) {
      return fail(at, error instanceof BridgeError ? (error.detail ?? error.message) : String(error));
    }
  }
  if (source === '') return fail(at, 'a keyword is missing between the braces');
  return isKeyword(source) ? { kind: 'keyword', keyword: source } : fail(at, unknownKeyword(source));
};

interface Cut {
  /** Where each alternative starts, and after the last one the position of the closing brace plus one. */
  readonly starts: readonly number[];
}

/** Walks from an opening brace to its closing one; quotes and brackets may hold `|` and `}`. */
const cutPlaceholder = (pattern: string, open: number): Cut => {
  const starts = [open + 1];
  let quote = '';
  let brackets = 0;
  for (let at = open + 1; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '[') brackets += 1;
    else if (char === ']') brackets -= 1;
    else if (char === '|' && brackets === 0) starts.push(at + 1);
    else if (char === '}' && brackets <= 0) return { starts: [...starts, at + 1] };
  }
  return fail(open, 'this { is not closed');
};

const placeholderOf = (pattern: string, { starts }: Cut): Placeholder => {
  const alternatives = starts.slice(0, -1).map((start, index) => alternativeOf(pattern.slice(start, (starts[index + 1] ?? 0) - 1).trim(), start));
  return { source: pattern.slice(starts[0], (starts.at(-1) ?? 0) - 1), alternatives };
};

const checkText = (pattern: string, from: number, to: number): void => {
  const text = pattern.slice(from, to);
  const brace = text.indexOf('}');
  if (brace !== -1) fail(from + brace, 'this } closes nothing');
  const wrong = firstUnsafe(text);
  if (wrong === '+' || wrong === '#') fail(from + text.indexOf(wrong), `the wildcard ${wrong} cannot stand in a topic pattern`);
  if (wrong !== undefined) fail(from + text.indexOf(wrong), 'control characters cannot stand in a topic');
};

/** @throws BridgeError config_invalid, whose detail says what is wrong and at which character */
export const parsePattern = (pattern: string): Segment[] => {
  const segments: Segment[] = [];
  let at = 0;
  while (at < pattern.length) {
    const open = pattern.indexOf('{', at);
    const textEnd = open === -1 ? pattern.length : open;
    checkText(pattern, at, textEnd);
    if (textEnd > at) segments.push(pattern.slice(at, textEnd));
    if (open === -1) break;
    const cut = cutPlaceholder(pattern, open);
    segments.push(placeholderOf(pattern, cut));
    at = cut.starts.at(-1) ?? pattern.length;
  }
  return segments;
};
