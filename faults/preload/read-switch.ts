import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a row wrote under this name; undefined while the switch is off. */
export const readSwitch = (name: string): string | undefined => {
  try {
    return readFileSync(join(process.env['FAULT_SWITCHES'] ?? '', name), 'utf8').trim();
  } catch {
    return undefined;
  }
};

/** The check of a store runs in a child process, which gets the same NODE_OPTIONS: faults are for the daemon alone. */
export const isDaemon = (): boolean => /[\\/]main\.js$/.test(process.argv[1] ?? '');
