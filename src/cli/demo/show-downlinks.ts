import { chirpstackReports, sigfoxAcknowledge, sigfoxBidir } from './bodies.js';
import { post, type Stage } from './stage.js';

const lorawanDevice = '24e124c3b1a70042';
const sigfoxDevice = '2C30EB';

interface Command {
  readonly device: string;
  readonly body: Readonly<Record<string, unknown>> & { readonly correlationId: string };
}

/** What an application publishes on the AWS side. */
const send = ({ screen, sandbox }: Stage, { device, body }: Command): void => {
  const topic = `tpx/things/${device.toUpperCase()}/downlink`;
  const payload = JSON.stringify(body);
  screen.sent(topic, payload);
  sandbox.send({ do: 'publish', topic, payload });
};

const statesOf = ({ arrivals }: Stage, correlationId: string): string[] =>
  arrivals.all.flatMap(({ topic, payload }) => {
    if (!topic.endsWith('/downlink/status')) return [];
    const status = JSON.parse(payload) as { correlationId?: string; state?: string };
    return status.correlationId === correlationId && status.state !== undefined ? [status.state] : [];
  });

/** Waits until the states came, and insists on their order. */
const expectStates = async (stage: Stage, correlationId: string, wanted: readonly string[]): Promise<void> => {
  await stage.arrivals.until(`state ${wanted.at(-1) ?? ''} of ${correlationId}`, () => statesOf(stage, correlationId).length >= wanted.length);
  const states = statesOf(stage, correlationId);
  if (states.join() !== wanted.join()) throw new Error(`the states of ${correlationId} were ${states.join(', ')} instead of ${wanted.join(', ')}`);
};

const postOrThrow = async (stage: Stage, webhook: Parameters<typeof post>[1], status: number): Promise<string> => {
  const answer = await post(stage, webhook);
  stage.screen.posted(webhook.title, webhook.path, answer.status);
  if (answer.status !== status) throw new Error(`${webhook.title}: the bridge answered ${answer.status}`);
  return answer.body;
};

/** The demo's numbers in correlation ids make each run's commands new ones for a Redis that outlives it. */
const runId = Date.now().toString(36);

/** A confirmed downlink to a LoRaWAN device, with the reports of its network server. */
const showLorawan = async (stage: Stage): Promise<void> => {
  const correlationId = `open-valve-${runId}`;
  const reported = new Promise<void>((resolve, reject) => {
    stage.onQueued(({ devEui, queueId, body }) => {
      stage.screen.line(`The network server took it: POST /api/devices/${devEui}/queue ${body}`);
      const report = async (): Promise<void> => {
        for (const webhook of chirpstackReports(devEui, queueId, new Date().toISOString())) await postOrThrow(stage, webhook, 204);
      };
      report().then(resolve, reject);
    });
  });
  send(stage, { device: lorawanDevice, body: { fPort: 10, payload: '01ff', confirmed: true, correlationId } });
  await Promise.race([reported, stage.arrivals.until('the downlink at the network server', () => statesOf(stage, correlationId).includes('acknowledged'))]);
  await expectStates(stage, correlationId, ['queued', 'submitted', 'sent', 'acknowledged']);
  stage.screen.good('LoRaWAN: queued, submitted, sent, acknowledged, each published with its correlation id.');
};

/** A downlink to a Sigfox device waits until the device asks. */
const showSigfox = async (stage: Stage): Promise<void> => {
  const correlationId = `set-interval-${runId}`;
  const payload = '003c0a0000000001';
  send(stage, { device: sigfoxDevice, body: { payload, correlationId } });
  await expectStates(stage, correlationId, ['queued']);
  const epochSeconds = Math.floor(Date.now() / 1_000);
  const answer = await postOrThrow(stage, sigfoxBidir(epochSeconds), 200);
  stage.screen.line(`The answer to the callback is the downlink: ${answer}`);
  if (answer !== JSON.stringify({ [sigfoxDevice]: { downlinkData: payload } })) throw new Error('the callback was answered with something else');
  await postOrThrow(stage, sigfoxAcknowledge(epochSeconds + 20), 204);
  await expectStates(stage, correlationId, ['queued', 'submitted', 'acknowledged']);
  stage.screen.good('Sigfox: queued, submitted with the callback, acknowledged.');
};

/** Commands from AWS to the devices, and their states on the way back. */
export const showDownlinks = async (stage: Stage): Promise<void> => {
  stage.screen.heading('Commands from AWS to the devices');
  await showLorawan(stage);
  await showSigfox(stage);
};
