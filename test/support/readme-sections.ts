import { configTable, replaceBetween } from '../../src/config/config-table.js';
import { errorsTable, metricsTable } from './reference-tables.js';

/** The generated sections by the name in their markers, `<!-- name:start -->`. */
export const readmeSections = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([
    ['config', configTable()],
    ['errors', errorsTable()],
    ['metrics', await metricsTable()],
  ]);

/** The README with every generated section that it has markers for brought up to date. */
export const withSections = (readme: string, sections: ReadonlyMap<string, string>): string =>
  [...sections].reduce((text, [name, body]) => (text.includes(`<!-- ${name}:start -->`) ? replaceBetween(text, name, body) : text), readme);
