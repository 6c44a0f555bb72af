// What `dist/` is made of: src, and of the packages those that every start loads, in few files, because Node takes longer to find
// and open a thousand modules than to run them (docs/decisions/0020). Beside them lie the licences of what is in them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'rolldown';

/** Packages that stay packages: native ones, those that look for files of their own, and what a start seldom needs. */
const external = [/^@aws-sdk\//, /^@smithy\//, /^@fastify\//, /^@peculiar\//, /^bullmq$/, /^fast-xml-parser$/, /^ioredis$/, /^lmdb$/, /^pino$/, /^reflect-metadata$/];

/** `…/node_modules/a/lib/b.js` → `…/node_modules/a`: the innermost package that a module belongs to. */
const packageFolder = (id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replaceAll('\\', '/'))?.[0];

const licenceOf = (folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version}: ${license}\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()}\n`;
};

const licences = {
  name: 'licences',
  generateBundle() {
    const folders = [...new Set([...this.getModuleIds()].map(packageFolder))].filter((folder) => folder !== undefined && existsSync(join(folder, 'package.json')));
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source: folders.sort().map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`) });
  },
};

const src = join(dirname(import.meta.dirname), 'src');

export default defineConfig({
  // Beside the program itself, the files that it starts as processes and threads; all lie side by side, as those look for each other.
  input: { main: join(src, 'main.ts'), probe: join(src, 'store/local/probe.ts'), 'probe-thread': join(src, 'store/local/probe-thread.ts') },
  platform: 'node',
  logLevel: 'warn',
  external,
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  plugins: [licences],
  output: { dir: 'dist', format: 'esm', cleanDir: true, chunkFileNames: '[name].js' },
});
