import { problemLine, type Problem } from '../../config/problem.js';
import { BridgeError } from '../../errors.js';

/** More errors than these help nobody. */
const mostErrors = 100;
/** A path may hold a key that the caller made up. */
const longestPath = 200;

/** Everything that is wrong with a document or a query, at once; no message quotes a value. */
export class ResourceError extends BridgeError {
  readonly errors: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const errors = problems.slice(0, mostErrors).map(({ path, message }) => ({ path: path.slice(0, longestPath), message }));
    super('invalid_resource', { detail: errors.map(problemLine).join('; ') });
    this.errors = errors;
  }
}
