import { messageOf } from '../errors.js';
import type { Io } from './command.js';

interface Problem {
  readonly path: string;
  readonly message: string;
}

const problemsOf = (error: unknown): readonly Problem[] | undefined =>
  typeof error === 'object' && error !== null && 'problems' in error && Array.isArray(error.problems) ? (error.problems as Problem[]) : undefined;

/** Writes everything that is wrong with a configuration, each as `path: message`. */
export const reportConfigError = (error: unknown, io: Io): void => {
  const problems = problemsOf(error);
  const lines = problems === undefined ? [messageOf(error)] : problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  io.stderr.write(`${lines.join('\n')}\n`);
};
