import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Puts a text between `<!-- NAME: begin -->` and `<!-- NAME: end -->` on a page; one that is not there is begun. @throws Error when it has no such markers */
export const writeBetween = (file: string, name: string, text: string): void => {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const page = existsSync(file) ? readFileSync(file, 'utf8') : `# Reliability\n\n${begin}\n${end}\n`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} before ${end}`);
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n${text}${page.slice(to)}`);
};
