import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { apiKey, type TestBridge } from '../test/end-to-end/support/bridge.js';
import { uplinkBody } from '../test/end-to-end/support/load.js';
import { startBridgeProgram } from '../test/end-to-end/support/program.js';
import type { Stage } from './stage.js';

/** What rows about the store have in common. */

export const devices = 50;

/** A webhook of a device that no load knows, no shorter than those of the loads, must be refused, with a reason and a time to come again. */
export const expectRefusal = async (stage: Stage, bridge: TestBridge, reason: string): Promise<void> => {
  const body = uplinkBody('bbbb000000000001', 1_000_000);
  const answer = await bridge.call('/in/factory?event=up', { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': apiKey }, body });
  stage.check(answer.status === 503, `a webhook got ${answer.status}`);
  stage.check(Number(answer.headers['retry-after']) > 0, 'the refusal has no Retry-After');
  stage.check(answer.body.includes(`"reason":"${reason}"`), `the refusal does not say ${reason}: ${answer.body}`);
  const ready = await bridge.private('/ready');
  stage.check(ready.status === 503 && ready.body.includes(reason), `/ready answered ${ready.status}: ${ready.body}`);
};

export const dataDirOf = async ({ home }: Stage): Promise<string> => (parse(await readFile(home.file, 'utf8')) as { readonly dataDir: string }).dataDir;

export const readyAgain = (stage: Stage, bridge: TestBridge): Promise<boolean> => stage.eventually('/ready again by itself', async () => (await bridge.private('/ready')).status === 200, 60_000);

export const acceptsAll = async (stage: Stage, when: string, load: { readonly count?: number; readonly firstDevice?: number } = {}): Promise<void> => {
  const { count = 200 } = load;
  const accepted = await stage.load({ devices, count, ...load });
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were refused ${when}`);
};

/** Starts a bridge that must not come up. Resolves with its exit code and the line that says why. */
const failedStart = async (stage: Stage): Promise<{ readonly code: unknown; readonly fatal: string }> => {
  const { REDIS_URL: _elsewhere, ...env } = process.env;
  const program = startBridgeProgram(['start', '--config', stage.home.file], env);
  const late = setTimeout(() => program.signal('SIGKILL'), 20_000);
  const code = await program.ended;
  clearTimeout(late);
  return { code, fatal: JSON.stringify(program.lines.filter(({ msg }) => msg === 'start failed')) };
};

export const expectFailedStart = async (stage: Stage, { what, says }: { readonly what: string; readonly says: readonly string[] }): Promise<void> => {
  const { code, fatal } = await failedStart(stage);
  stage.check(code === 1, `${what}: the start ended with ${String(code)}`);
  for (const text of says) stage.check(fatal.includes(text), `${what}: the error does not name ${text}: ${fatal}`);
};

/** Leaves a backlog behind, as AWS is away: in the journal mostly when the bridge is killed, in LMDB when it is stopped. */
export const leaveBacklog = async (stage: Stage, count: number, end: 'kill' | 'stop' = 'kill'): Promise<void> => {
  await stage.proxy.refuse();
  const bridge = await stage.start();
  const accepted = await stage.load({ devices, count });
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were refused`);
  await bridge[end]();
};
