import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What `test/support/tools.mjs`, which is not compiled, offers. */
interface ToolFinder {
  readonly toolPath: string;
  ensureTools(user: 'benchmark'): { readonly installed: readonly string[]; readonly problem?: string };
}

/** Finds wrk, Mosquitto, redis-server and openssl, or installs them where it may; from then on they are on the PATH. @throws Error with one line that says what to install and how */
export const ensureBenchTools = async (): Promise<void> => {
  const finder = (await import(pathToFileURL(join(process.cwd(), 'test/support/tools.mjs')).href)) as ToolFinder;
  const { problem } = finder.ensureTools('benchmark');
  if (problem !== undefined) throw new Error(problem);
  process.env['PATH'] = finder.toolPath;
};
