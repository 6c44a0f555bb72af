// Keeps the compiled files in step with the sources: the compiler neither removes what has lost its source nor notices
// when somebody removed its output.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const filesIn = (folder, suffix) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
        .sort()
    : [];

/** The TypeScript sources in a folder, as paths from where we stand. */
export const sourcesIn = (folder) => filesIn(folder, '.ts').filter((path) => !path.endsWith('.d.ts'));

/** `test/a.test.ts` → `.build/test/a.test.js`. */
export const compiledPath = (source) => join('.build', source.replace(/\.ts$/, '.js'));

/**
 * Removes compiled files without a source; where a source has no compiled file, removes the compiler's notes (`info`),
 * so that it writes everything again.
 * @param {{ from: string, to: string, info: string }} pair folders of sources and of compiled files
 */
export const sweepCompiled = ({ from, to, info }) => {
  const wanted = new Set(sourcesIn(from).map((source) => join(to, source.slice(from.length).replace(/\.ts$/, '.js'))));
  for (const path of [...filesIn(to, '.js'), ...filesIn(to, '.js.map')]) {
    if (!wanted.has(path.replace(/\.map$/, ''))) rmSync(path);
  }
  if ([...wanted].some((path) => !existsSync(path))) rmSync(info, { force: true });
};
