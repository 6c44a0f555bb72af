// npm test: tools, types, lint, layout and every test; lint runs beside the others. A step that fails ends the run, a test does not.
//   npm test                  everything
//   npm run test:quick        without test/end-to-end and test/faults
//   npm run check             types, lint and layout only
//   npm test -- PATTERN…      only the test files whose path contains a PATTERN; neither tools nor lint
import { join } from 'node:path';
import { batchesOf, checkNames, isAlone, limitSeconds, startsProcesses } from './batches.mjs';
import { compiledPath, sourcesIn, sweepCompiled } from './compiled.mjs';
import { endAllGroups, runQuietly } from './process-group.mjs';
import { runSideBySide } from './side-by-side.mjs';
import { runTapFiles } from './tap-file.mjs';
import { ensureTools } from './tools.mjs';

process.chdir(join(import.meta.dirname, '..', '..'));

const say = (line) => process.stdout.write(`${line}\n`);
// Whoever reads our output may stop reading.
process.stdout.on('error', () => process.exit(1));

const bin = (path) => join('node_modules', path);

/** What ended the run early: a signal, or a step that failed. */
let signalled;
let failedStep;
const isOver = () => signalled !== undefined || failedStep !== undefined;

const totals = { passed: 0, failed: 0, failures: [], skipped: [], left: 0 };

const parseArguments = (args) => {
  const flags = args.filter((arg) => arg.startsWith('-'));
  const unknown = flags.find((flag) => flag !== '--quick' && flag !== '--check');
  if (unknown !== undefined) throw new Error(`unknown option ${unknown}; known are --quick, --check and patterns of file names`);
  return { quick: flags.includes('--quick'), check: flags.includes('--check'), patterns: args.filter((arg) => !arg.startsWith('-')) };
};

const chooseTests = ({ quick, check, patterns }) => {
  const all = sourcesIn('test').filter((path) => path.endsWith('.test.ts'));
  if (check) return all.filter((path) => path === join('test', 'layout.test.ts'));
  if (patterns.length === 0) return all.filter((path) => !quick || !startsProcesses(path));
  const wanted = patterns.map((pattern) => pattern.replace(/^\.\//, ''));
  return all.filter((path) => wanted.some((pattern) => path.includes(pattern)));
};

/** What several steps write at the same time is told when each is over. */
const step = async (name, command) => {
  const startedAt = Date.now();
  const { code, output } = await runQuietly(process.execPath, command);
  if (signalled !== undefined) throw new Error(`interrupted by ${signalled}`);
  if (code !== 0) throw new Error(`${output.trimEnd()}\n${name} failed`);
  say(`ok      ${name}  ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
};

/** The build of the tests looks at the types of `src` as well, with the same settings, so the daemon is only put together. */
const compile = async () => {
  const info = join('.build', 'test.tsbuildinfo');
  for (const folder of ['src', 'test', 'bench', 'faults']) sweepCompiled({ from: folder, to: join('.build', folder), info });
  await Promise.all([
    step('build', [bin('rolldown/bin/cli.mjs'), '-c', join('deploy', 'rolldown.config.js')]),
    step('types, and build of the tests', [bin('@typescript/native/bin/tsc'), '-p', 'test/tsconfig.json']),
  ]);
};

const lint = () => step('lint', [bin('eslint/bin/eslint.js'), '--max-warnings=0', '--no-error-on-unmatched-pattern', 'src', 'test', 'bench', 'faults']);

/** Lint as a step beside the others: when it fails, no further test begins. Resolves when it is over. */
const lintBeside = () =>
  lint().catch((error) => {
    if (isOver()) return;
    say(error.message);
    failedStep = 'lint';
  });

const nameOf = ([source, ...more]) => (more.length === 0 ? source : `${source} and ${more.length} more`);

const report = (batch, result) => {
  totals.passed += result.passed;
  totals.failed += result.failed;
  const source = nameOf(batch);
  totals.skipped.push(...result.skipped.map((name) => `${source}: ${name}`));
  const all = result.passed + result.failed;
  const counted = `${all} assertion${all === 1 ? '' : 's'}${result.failed > 0 ? `, ${result.failed} failed` : ''}`;
  const line = `${result.ok ? 'ok    ' : 'not ok'}  ${source}  ${result.seconds.toFixed(1)} s  ${counted}${result.reason === undefined ? '' : `: ${result.reason}`}`;
  say(line);
  for (const comment of result.comments) say(`        ${comment}`);
  if (result.ok) return;
  totals.failures.push(line, ...result.failures);
  // In short, before the whole: whoever keeps only a part of the output reads what failed.
  for (const failure of result.failures) say(failure);
  say(`${result.output.trimEnd()}\n        end of ${source}`);
};

const runTests = async (batches) => {
  totals.left = await runSideBySide(batches, {
    run: async (batch) => report(batch, await runTapFiles(batch.map(compiledPath), limitSeconds(batch))),
    isAlone,
    isOver,
  });
};

const closing = () => {
  for (const name of totals.skipped) say(`skipped ${name}`);
  if (isOver()) {
    say(`${signalled === undefined ? `${failedStep} failed` : `interrupted by ${signalled}`}${totals.left > 0 ? `: ${totals.left} test files did not run` : ''}`);
    totals.failed ||= 1;
  }
  if (totals.failures.length > 0) say(['', 'Failed:', ...totals.failures].join('\n'));
  say(`${totals.passed} passed, ${totals.failed} failed`);
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    signalled = signal;
    void endAllGroups();
  });
}

const main = async () => {
  const options = parseArguments(process.argv.slice(2));
  checkNames();
  const narrow = options.patterns.length > 0;
  const sources = chooseTests(options);
  if (sources.length === 0) throw new Error(narrow ? `no test file matches ${options.patterns.join(' ')}` : 'there is no test file');
  if (!narrow && !options.check) {
    const { installed, problem } = ensureTools();
    if (problem !== undefined) throw new Error(problem);
    if (installed.length > 0) say(`ok      installed ${installed.join(', ')}`);
  }
  const linted = narrow ? Promise.resolve() : lintBeside();
  await compile();
  await runTests(batchesOf(sources, !narrow));
  await linted;
  closing();
  process.exitCode = totals.failed === 0 ? 0 : 1;
};

await main().catch((error) => {
  say(error.message);
  failedStep ??= 'a step';
  process.exitCode = 1;
  return endAllGroups();
});
