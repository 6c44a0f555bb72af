// npm test: tools, types, lint, layout and every test; lint runs beside the others. A step that fails ends the run, a test does not.
//   npm test                  everything
//   npm run test:quick        without test/end-to-end and test/faults
//   npm run check             types, lint and layout only
//   npm test -- PATTERN…      only the test files whose path contains a PATTERN; neither tools nor lint
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compiledPath, sourcesIn, sweepCompiled } from './compiled.mjs';
import { endAllGroups, runQuietly } from './process-group.mjs';
import { runSideBySide } from './side-by-side.mjs';
import { runTapFile } from './tap-file.mjs';
import { ensureTools } from './tools.mjs';

process.chdir(join(import.meta.dirname, '..', '..'));

const say = (line) => process.stdout.write(`${line}\n`);
// Whoever reads our output may stop reading.
process.stdout.on('error', () => process.exit(1));

const bin = (path) => join('node_modules', path);

/** These start processes, and run longer. */
const endToEnd = join('test', 'end-to-end') + '/';
const faults = join('test', 'faults') + '/';
const startsProcesses = (source) => source.startsWith(endToEnd) || source.startsWith(faults);
/** The slowest, the slowest first: begun early, none of them is left alone at the end. */
const first = [
  'end-to-end/downlink-crash', 'end-to-end/downlink-outage', 'end-to-end/sigfox-mailbox', 'end-to-end/redis-outage', 'end-to-end/dry-run', 'end-to-end/sandbox', 'end-to-end/mosquitto', 'end-to-end/hostile-input',
  'store/redis/sentinel', 'store/redis/wake-ups', 'store/redis/redis-downlinks', 'store/local/downlinks/local-downlinks', 'end-to-end/two-hundred-connections', 'aws/subscriber', 'downlink/submit-downlink', 'cli/live-commands',
].map((name) => join('test', `${name}.test.ts`));
/** Those that count what passes in a second, with at most one beside them: a machine that stands still for a moment makes two seconds of one. */
const alone = ['downlink-rate', 'quota'].map((name) => `${endToEnd}${name}.test.ts`);
const limitSeconds = (source) => (startsProcesses(source) ? 600 : 300);
/** So many of the last, short ones are left to run beside those that want to be alone. */
const besideAlone = 60;

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

/** The build of the tests looks at the types of `src` as well, with the same settings, so the build of the daemon only writes its files. */
const compile = async () => {
  const info = join('.build', 'test.tsbuildinfo');
  sweepCompiled({ from: 'src', to: 'dist', info: join('dist', '.tsbuildinfo') });
  for (const folder of ['src', 'test', 'bench', 'faults']) sweepCompiled({ from: folder, to: join('.build', folder), info });
  await Promise.all([
    step('build', [bin('typescript/bin/tsc'), '-p', 'tsconfig.json', '--noCheck']),
    step('types, and build of the tests', [bin('typescript/bin/tsc'), '-p', 'test/tsconfig.json']),
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
  totals.failures.push(line, ...result.failures);
  // In short, before the whole: whoever keeps only a part of the output reads what failed.
  for (const failure of result.failures) say(failure);
  say(`${result.output.trimEnd()}\n        end of ${source}`);
};

const runTests = async (sources) => {
  totals.left = await runSideBySide(sources, {
    run: async (source) => report(source, await runTapFile(compiledPath(source), limitSeconds(source))),
    isAlone: (source) => alone.includes(source),
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

/** @throws Error when a file was renamed, and its place here was not */
const checkNames = () => {
  const gone = [...first, ...alone].find((source) => !existsSync(source));
  if (gone !== undefined) throw new Error(`test/support/run.mjs names ${gone}, which is no file`);
};

/** The longest first; those that want to be alone before the last, short ones. */
const inOrder = (sources) => {
  const groups = [faults, endToEnd, join('test', 'store', 'redis') + '/', 'test'];
  const rank = (source) => (first.includes(source) ? first.indexOf(source) : first.length + groups.findIndex((group) => source.startsWith(group)));
  const others = sources.filter((source) => !alone.includes(source)).sort((one, other) => rank(one) - rank(other));
  const wanted = alone.filter((source) => sources.includes(source));
  if (wanted.length === 0) return others;
  const last = others.splice(Math.max(0, others.length - besideAlone));
  const share = Math.ceil(last.length / wanted.length);
  return [...others, ...wanted.flatMap((source, index) => [source, ...last.slice(index * share, (index + 1) * share)])];
};

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
  await runTests(inOrder(sources));
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
