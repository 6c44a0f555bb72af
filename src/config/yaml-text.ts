import { LineCounter, parseDocument } from 'yaml';
import { messageOf } from '../errors.js';
import { ConfigError, type Problem } from './problem.js';

/** The library's messages quote the file after a colon or a percent sign, where a secret may stand. */
const withoutQuote = (message: string): string => message.split(/: | %/)[0] ?? message;

const toPlain = (document: { toJS(): unknown }): unknown => {
  try {
    return document.toJS();
  } catch (error) {
    // Only aliases can fail here: without an anchor, or too many of them.
    throw new ConfigError([{ path: 'file', message: withoutQuote(messageOf(error)) }]);
  }
};

/**
 * One YAML 1.2 (or JSON) document. Duplicate keys, unknown tags and a second document are errors.
 * @throws ConfigError with `line 3, column 5` as path
 */
export const parseYaml = (text: string): unknown => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings].map((error): Problem => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { path: `line ${line}, column ${col}`, message: error.code === 'MULTIPLE_DOCS' ? 'the file must hold one YAML document' : withoutQuote(error.message) };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return toPlain(document);
};
