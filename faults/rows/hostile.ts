import { idleSockets, ingressOf, sendersGone, slowSendersEnded, tooLong, tryCases, type Judge } from '../../test/end-to-end/support/hostile-attacks.js';
import { harmlessBodies, hostileBodies, hostileHttp } from '../../test/end-to-end/support/hostile-requests.js';
import { startSlowSenders } from '../../test/end-to-end/support/hostile-senders.js';
import { createTestCertificates } from '../../test/support/certificates.js';
import type { Form, Row } from '../row.js';
import type { Stage } from '../stage.js';

const devices = 50;
const perSecond = 100;
const sockets: Readonly<Record<Form, number>> = { quick: 2_500, long: 10_000 };
const rounds: Readonly<Record<Form, number>> = { quick: 1, long: 10 };
/** A sender has 30 s for its request and its handshake, looked at every 2 s: this is far more. */
const slowSenderMs = 60_000;
const mostBytes = 512 * 1024 * 1024;

const overTls = async (): Promise<object> => {
  const { cert, key } = await createTestCertificates();
  return { ingress: { host: '127.0.0.1', port: 0, tls: { certificate: cert, privateKey: key } } };
};

/** Posts honest uplinks until it is told to stop; all of them must be taken. */
const steadyLoad = (stage: Stage): (() => Promise<number>) => {
  let stopped = false;
  let sent = 0;
  const run = async (): Promise<void> => {
    while (!stopped) {
      const accepted = await stage.load({ devices, count: perSecond, perSecond });
      sent += perSecond;
      stage.check(accepted === perSecond, `${perSecond - accepted} of ${perSecond} honest webhooks were refused beside the attack`);
      const { status } = await stage.bridge.private('/ready');
      stage.check(status === 200, `/ready answered ${status} beside the attack`);
    }
  };
  const running = run();
  // An attack that could not go on ends the row, and the bridge under this load.
  running.catch(() => undefined);
  return async () => {
    stopped = true;
    await running;
    return sent;
  };
};

const attackAll = (judge: Judge, ingress: string, most: number): Promise<number> =>
  idleSockets(judge, ingress, most, () =>
    Promise.all([tryCases(judge, ingress, hostileBodies), tryCases(judge, ingress, [...harmlessBodies, ...hostileHttp]), tooLong(judge, ingress), sendersGone(judge, ingress)]));

const nothingBroke = async (stage: Stage): Promise<void> => {
  const { body } = await stage.bridge.private('/metrics');
  const faults = body.split('\n').filter((line) => /messages_rejected_total\{.*internal_error/.test(line) && !line.endsWith(' 0'));
  stage.check(faults.length === 0, `internal errors: ${faults.join(', ')}`);
  const stderr = stage.bridge.program.stderr();
  stage.check(stderr === '', `the bridge wrote to stderr: ${stderr.slice(0, 500)}`);
  const { peakRssAnonBytes } = stage.tally();
  stage.check(peakRssAnonBytes < mostBytes, `${Math.round(peakRssAnonBytes / 1024 / 1024)} MB of anonymous memory`);
};

const hostile = (name: string, how: string, stage: Row['stage']): Row => ({
  name,
  alone: true,
  fault: `hostile input ${how}, all at once under load: slow senders, bodies of 100 MB, deep JSON, XML entities, wrong encodings, \`__proto__\`, floods of headers, ${sockets.long.toLocaleString('en')} idle sockets`,
  ...(stage === undefined ? {} : { stage }),
  duplicates: 'none',
  boundSeconds: { quick: 120, long: 300 },
  async run(stage, form) {
    const bridge = await stage.start();
    const ingress = ingressOf(bridge);
    const judge: Judge = (isSo, text) => stage.check(isSo, text);
    const slow = startSlowSenders(ingress, 100);
    stage.onClose(() => slow.forEach(({ socket }) => void socket.destroy()));
    const endLoad = steadyLoad(stage);
    let count = 0;
    for (let round = 0; round < rounds[form]; round += 1) count = await attackAll(judge, ingress, sockets[form]);
    // The short form leaves with its slow senders still there; that they are cut off has a test of its own.
    if (form === 'long') await slowSendersEnded(judge, slow, slowSenderMs);
    stage.remark(`${count} idle sockets, ${slow.length} slow senders, ${await endLoad()} honest webhooks beside them`);
    await nothingBroke(stage);
  },
});

export const hostiles: readonly Row[] = [hostile('hostile-input', 'at the webhooks', undefined), hostile('hostile-input-tls', 'at webhooks over TLS', { file: overTls })];
