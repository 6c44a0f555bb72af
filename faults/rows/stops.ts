import { endMisbehaviour } from '../bridge-checks.js';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';

/** `shutdownTimeout`, which the configuration leaves as it is, ms. */
const deadlineMs = 10_000;
const devices = 50;

const stopUnderLoad = async (stage: Stage, count: number, after: number): Promise<number> => {
  const bridge = await stage.start();
  let stopped: Promise<{ readonly code: unknown; readonly ms: number }> | undefined;
  const stop = async (): Promise<{ readonly code: unknown; readonly ms: number }> => {
    const begun = performance.now();
    const code = await bridge.stop();
    return { code, ms: performance.now() - begun };
  };
  let answers = 0;
  await stage.load({ devices, count, answered: () => void ((answers += 1) >= after && (stopped ??= stop())) });
  const { code, ms } = await (stopped ?? stop());
  stage.check(code === 0, `the exit code was ${String(code)}`);
  const late = bridge.program.lines.filter((line) => 'step' in line).map((line) => `${String(line['step'])}: ${String(line['msg'])}`);
  stage.check(ms < deadlineMs, `the stop took ${Math.round(ms)} ms (${late.join(', ')})`);
  return ms;
};

const stopRow = (name: string, fault: string, delayMs: number): Row => ({
  name,
  fault,
  duplicates: 'none',
  boundSeconds: { quick: 90, long: 300 },
  async run(stage, form) {
    if (delayMs > 0) await stage.broker.control({ do: 'misbehave', rules: [{ action: 'delay-puback', delayMs }] });
    const rounds = form === 'quick' ? 3 : 10;
    const count = form === 'quick' ? 300 : 1_000;
    let slowest = 0;
    for (let round = 0; round < rounds; round += 1) slowest = Math.max(slowest, await stopUnderLoad(stage, count, Math.floor((count * (round + 1)) / (rounds + 1))));
    stage.remark(`slowest stop ${(slowest / 1_000).toFixed(1)} s`);
    await endMisbehaviour(stage);
    await stage.recover(() => stage.start());
  },
});

export const stops: readonly Row[] = [stopRow('sigterm-under-load', 'SIGTERM under load', 0), stopRow('sigterm-slow-aws', 'SIGTERM under load while each PUBACK takes 1.5 s', 1_500)];
