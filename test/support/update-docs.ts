/** Writes what is generated from the code: run by `npm run docs`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { exampleYaml } from '../../src/config/example-yaml.js';
import { readmeSections, withSections } from './readme-sections.js';

writeFileSync('config/bridge.example.yaml', exampleYaml());
if (existsSync('README.md')) {
  const sections = await readmeSections();
  writeFileSync('README.md', withSections(readFileSync('README.md', 'utf8'), sections));
}
