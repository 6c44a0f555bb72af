import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestBridge } from '../test/end-to-end/support/bridge.js';
import type { Stage } from './stage.js';

/** What can be put into the bridge's process before its own first line runs; see the files of that name in `preload/`. */
export type Preload = 'block' | 'clock' | 'lookup' | 'store';

/** How a row talks to what is preloaded into its bridge: each switch is a file, which is read there whenever it matters. */
export interface Switches {
  /** Starts the bridge with the preloads. The daemon's own files are untouched. */
  start(): Promise<TestBridge>;
  set(name: string, text: string): void;
  clear(name: string): void;
}

export const openSwitches = (stage: Stage, preloads: readonly Preload[]): Switches => {
  const folder = mkdtempSync(join(tmpdir(), 'fault-switches-'));
  stage.onClose(() => rmSync(folder, { recursive: true, force: true }));
  const imports = preloads.map((name) => `--import=${new URL(`./preload/${name}.js`, import.meta.url).href}`);
  const env = { NODE_OPTIONS: imports.join(' '), FAULT_SWITCHES: folder };
  return {
    start: () => stage.start(0, env),
    set: (name, text) => writeFileSync(join(folder, name), text),
    clear: (name) => rmSync(join(folder, name), { force: true }),
  };
};
