import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openSlotKeeper, type HeldSlot, type SlotKeeper, type SlotKeeperOptions } from '../../../src/store/redis/slots.js';

export interface TestKeeper {
  readonly keeper: SlotKeeper;
  readonly changes: { readonly next: HeldSlot; readonly position: number }[];
  readonly orphans: string[];
}

/** A keeper that is closed with the test, with everything that it told. */
export const openKeeper = async (t: Test, url: string, options: Partial<SlotKeeperOptions> = {}): Promise<TestKeeper> => {
  const changes: TestKeeper['changes'] = [];
  const orphans: string[] = [];
  const keeper = await openSlotKeeper(
    {
      url,
      preferred: 'aaaaaaaa',
      leaseMs: 1_000,
      logger: createLogger('silent'),
      onChange: (next, position) => void changes.push({ next, position }),
      onOrphan: (slot) => void orphans.push(slot),
      ...options,
    },
    { watchMs: 100 },
  );
  t.teardown(() => keeper.close());
  return { keeper, changes, orphans };
};

const holder = fileURLToPath(new URL('./hold-slot.js', import.meta.url));

/** Starts `hold-slot.js`; `lines` grows with what it prints. */
export const startHolder = (t: Test, url: string, { preferred = 'bbbbbbbb', leaseMs = 2_000 }: { preferred?: string; leaseMs?: number } = {}) => {
  const child = spawn(process.execPath, [holder, url, preferred, String(leaseMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  t.teardown(() => child.kill('SIGKILL'));
  return { child, lines };
};
