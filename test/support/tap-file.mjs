// Runs compiled test files in one process and reads what they say in TAP.
import { join } from 'node:path';
import { Parser } from 'tap-parser';
import { endGroup, startGroup } from './process-group.mjs';
import { toolPath } from './tools.mjs';

/** What a file may still use, once tap's own limit has passed, to say which test hangs. */
const hardLimitMs = 15_000;

/** A child that outlives its test file may hold our end of the pipe open: its output is not waited for longer than this. */
const lastOutputMs = 2_000;

const isOwnWord = (comment) => !/^# (\{|time=|Subtest|No tests|no tests)/.test(comment);

const noteFailure = (counts, { fullname, name, diag }) => {
  counts.failed += 1;
  counts.failures.push([fullname.trim() || name, diag?.diff].filter(Boolean).join('\n'));
};

/** Counts assertions: a subtest's closing line only repeats what its own assertions said. */
const countTap = () => {
  const counts = { passed: 0, failed: 0, skipped: [], comments: [], failures: [], problem: undefined };
  const parser = new Parser((results) => {
    if (results.bailout) counts.problem = `bailed out: ${results.bailout === true ? 'no reason given' : results.bailout}`;
    if (!results.ok && counts.failed === 0) counts.problem ??= results.failures[0]?.tapError ?? 'the TAP output is not complete';
  });
  parser.on('result', (point) => {
    if (point.skip || point.todo) counts.skipped.push(point.fullname.trim() || point.name);
    else if (!point.ok) noteFailure(counts, point);
    else if (!point.closingTestPoint) counts.passed += 1;
  });
  parser.on('comment', (comment) => isOwnWord(comment) && counts.comments.push(comment.trim().slice(2)));
  return { parser, counts };
};

const reasonOf = ({ counts, code, signal, timedOut, limitSeconds }) => {
  if (timedOut || signal === 'SIGALRM') return `not done after ${limitSeconds} s`;
  if (signal !== null) return `ended by ${signal}`;
  if (counts.problem !== undefined) return counts.problem;
  if (counts.failed > 0) return undefined;
  if (code !== 0) return `exit code ${code}`;
  if (counts.passed === 0 && counts.skipped.length === 0) return 'no assertion';
  return undefined;
};

const outcomeOf = (end) => {
  const { counts } = end;
  const reason = reasonOf(end);
  const failed = counts.failed + (reason !== undefined && counts.failed === 0 ? 1 : 0);
  return { ok: failed === 0, passed: counts.passed, failed, skipped: counts.skipped, comments: counts.comments, failures: counts.failures, reason };
};

const settled = (child) =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), lastOutputMs);
      child.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });

const several = join(import.meta.dirname, 'several.mjs');

/**
 * Runs test files in one process, in a group of its own.
 * @param {readonly string[]} paths the compiled files
 * @param {number} limitSeconds after which it has failed
 * @returns {Promise<{ ok: boolean, passed: number, failed: number, skipped: string[], comments: string[], failures: string[], reason?: string, output: string, seconds: number }>}
 */
export const runTapFiles = async (paths, limitSeconds) => {
  const startedAt = Date.now();
  const env = { ...process.env, PATH: toolPath, TAP_TIMEOUT: String(limitSeconds), TEST_FILES: paths.join('\n') };
  const child = startGroup(process.execPath, ['--enable-source-maps', ...(paths.length === 1 ? [] : [several]), paths[0]], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const { parser, counts } = countTap();
  const output = [];
  child.stdout.on('data', (chunk) => {
    output.push(chunk);
    parser.write(chunk);
  });
  child.stderr.on('data', (chunk) => output.push(chunk));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void endGroup(child.pid);
  }, limitSeconds * 1_000 + hardLimitMs);
  const { code, signal } = await settled(child).finally(() => clearTimeout(timer));
  parser.end();
  return { ...outcomeOf({ counts, code, signal, timedOut, limitSeconds }), output: Buffer.concat(output).toString(), seconds: (Date.now() - startedAt) / 1_000 };
};
