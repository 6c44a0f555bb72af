// npm test: tools, types, lint, layout and every test, in this order; the first step that fails ends the run.
//   npm test                  everything
//   npm run test:quick        without test/end-to-end
//   npm run check             types, lint and layout only
//   npm test -- PATTERN…      only the test files whose path contains a PATTERN; neither tools nor lint
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compiledPath, sourcesIn, sweepCompiled } from './compiled.mjs';
import { endAllGroups, runCommand } from './process-group.mjs';
import { runTapFile } from './tap-file.mjs';
import { ensureTools } from './tools.mjs';

process.chdir(join(import.meta.dirname, '..', '..'));

const say = (line) => process.stdout.write(`${line}\n`);
// Whoever reads our output may stop reading.
process.stdout.on('error', () => process.exit(1));

const bin = (path) => join('node_modules', path);

/** End-to-end tests start processes, and run longer. */
const endToEnd = join('test', 'end-to-end') + '/';
/** Those that load the processes as much as they can run alone. */
const loads = ['downlink-rate', 'mosquitto', 'quota', 'sandbox', 'two-hundred-connections'].map((name) => `${endToEnd}${name}.test.ts`);
const limitSeconds = (source) => (source.startsWith(endToEnd) ? 600 : 300);
/** Most tests wait for others more than they compute, so one more runs than there are cores. */
const sideBySide = Math.min(4, availableParallelism() + 1);

/** The signal that ended the run early. */
let stoppedBy;

const totals = { passed: 0, failed: 0, failures: [], skipped: [] };

const parseArguments = (args) => {
  const flags = args.filter((arg) => arg.startsWith('-'));
  const unknown = flags.find((flag) => flag !== '--quick' && flag !== '--check');
  if (unknown !== undefined) throw new Error(`unknown option ${unknown}; known are --quick, --check and patterns of file names`);
  return { quick: flags.includes('--quick'), check: flags.includes('--check'), patterns: args.filter((arg) => !arg.startsWith('-')) };
};

const chooseTests = ({ quick, check, patterns }) => {
  const all = sourcesIn('test').filter((path) => path.endsWith('.test.ts'));
  if (check) return all.filter((path) => path === join('test', 'layout.test.ts'));
  if (patterns.length === 0) return all.filter((path) => !quick || !path.startsWith(endToEnd));
  const wanted = patterns.map((pattern) => pattern.replace(/^\.\//, ''));
  return all.filter((path) => wanted.some((pattern) => path.includes(pattern)));
};

const step = async (name, command) => {
  const startedAt = Date.now();
  const code = await runCommand(process.execPath, command);
  if (stoppedBy !== undefined) throw new Error(`interrupted by ${stoppedBy}`);
  if (code !== 0) throw new Error(`${name} failed`);
  say(`ok      ${name}  ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
};

const compile = async () => {
  const info = join('.build', 'test.tsbuildinfo');
  sweepCompiled({ from: 'src', to: 'dist', info: join('dist', '.tsbuildinfo') });
  for (const folder of ['src', 'test', 'bench', 'faults']) sweepCompiled({ from: folder, to: join('.build', folder), info });
  await step('build', [bin('typescript/bin/tsc'), '-p', 'tsconfig.json']);
  await step('build of the tests', [bin('typescript/bin/tsc'), '-p', 'test/tsconfig.json']);
};

const lint = () => step('lint', [bin('eslint/bin/eslint.js'), '--max-warnings=0', '--no-error-on-unmatched-pattern', 'src', 'test', 'bench', 'faults']);

const report = (source, result) => {
  totals.passed += result.passed;
  totals.failed += result.failed;
  totals.skipped.push(...result.skipped.map((name) => `${source}: ${name}`));
  const all = result.passed + result.failed;
  const counted = `${all} assertion${all === 1 ? '' : 's'}${result.failed > 0 ? `, ${result.failed} failed` : ''}`;
  const line = `${result.ok ? 'ok    ' : 'not ok'}  ${source}  ${result.seconds.toFixed(1)} s  ${counted}${result.reason === undefined ? '' : `: ${result.reason}`}`;
  say(line);
  for (const comment of result.comments) say(`        ${comment}`);
  if (result.ok) return;
  totals.failures.push(line);
  say(`${result.output.trimEnd()}\n        end of ${source}`);
};

const runTests = async (sources, atOnce) => {
  const waiting = [...sources];
  const worker = async () => {
    for (let source = waiting.shift(); source !== undefined && stoppedBy === undefined; source = waiting.shift()) {
      report(source, await runTapFile(compiledPath(source), limitSeconds(source)));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
};

const closing = () => {
  for (const name of totals.skipped) say(`skipped ${name}`);
  if (stoppedBy !== undefined) {
    say(`Interrupted by ${stoppedBy}: not every test ran`);
    totals.failed ||= 1;
  }
  if (totals.failures.length > 0) say(['', 'Failed:', ...totals.failures].join('\n'));
  say(`${totals.passed} passed, ${totals.failed} failed`);
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    stoppedBy = signal;
    void endAllGroups();
  });
}

const main = async () => {
  const options = parseArguments(process.argv.slice(2));
  const narrow = options.patterns.length > 0;
  const sources = chooseTests(options);
  if (sources.length === 0) throw new Error(narrow ? `no test file matches ${options.patterns.join(' ')}` : 'there is no test file');
  if (!narrow && !options.check) {
    const { installed, problem } = ensureTools();
    if (problem !== undefined) throw new Error(problem);
    if (installed.length > 0) say(`ok      installed ${installed.join(', ')}`);
  }
  await compile();
  if (!narrow) await lint();
  const part = (path) => (loads.includes(path) ? 'alone' : path.startsWith(endToEnd) ? 'processes' : 'rooms');
  for (const [name, atOnce] of [['rooms', sideBySide], ['processes', sideBySide], ['alone', 1]]) await runTests(sources.filter((path) => part(path) === name), atOnce);
  closing();
  process.exitCode = totals.failed === 0 ? 0 : 1;
};

await main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});
