import { randomBytes } from 'node:crypto';
import { BridgeError, type Reason } from '../../errors.js';
import { iotArn, type AwsPlace } from '../arn.js';
import type { CheckStep } from '../../api/ports.js';
import { runStep, skippedStep } from '../check-step.js';
import { ConnectFailure, refusesVersion } from '../connect-failure.js';
import type { MqttVersion } from '../connect-client.js';
import type { Endpoint } from '../endpoint.js';
import { isBasicIngest, probeTopicOf } from '../probe-topic.js';
import { checkDns, checkTcp, checkTls, checkWebSocket } from './check-network.js';
import { openProbeSession, type Answer, type ProbeSession } from './probe-session.js';
import { judgeStep, StepFailure, type Missing } from './step-failure.js';

export interface CheckMqttOptions {
  readonly endpoint: Endpoint;
  /** As the connection's own: the probe's client id begins with it. */
  readonly clientIdPrefix: string;
  readonly version: MqttVersion;
  /** For each step, ms. */
  readonly timeoutMs: number;
  readonly uplinkPattern: string;
  /** The filter of downlinks, without a share name; absent: the connection takes none. */
  readonly downlinkFilter?: string | undefined;
  /** For the ARNs of what is missing. */
  readonly place: AwsPlace;
}

const notAuthorised = 0x87;
const unspecified = 0x80;
/** DISCONNECT codes with which a broker may answer a packet that the policy does not allow; a broker that says nothing may mean the same. */
const mayMeanPolicy = (code: number | undefined): boolean => code === undefined || code === notAuthorised || code === unspecified;
const hex = (code: number): string => `0x${code.toString(16)}`;

const toldBy = (answer: Exclude<Answer, { kind: 'granted' }>): string => {
  if (answer.kind === 'unanswered') return 'no answer came';
  if (answer.kind === 'refused') return `AWS answered ${hex(answer.code)}`;
  return answer.code === undefined ? 'AWS closed the connection without a word' : `AWS closed the connection with DISCONNECT ${hex(answer.code)}`;
};

/** The last MQTT steps of the dry run, over sessions of their own: AWS closes one for what it does not allow, and the next step opens another. */
class MqttCheck {
  #session: ProbeSession | undefined;
  #version: MqttVersion;
  readonly #topic: string;
  readonly #payload = JSON.stringify({ type: 'probe', id: randomBytes(8).toString('hex') });
  /** How subscribing to the probe topic went; undefined where nobody can subscribe to it. */
  #probeAnswer: Answer | undefined;
  #published = false;

  constructor(
    private readonly options: CheckMqttOptions,
    private readonly signal: AbortSignal,
  ) {
    this.#version = options.version;
    this.#topic = probeTopicOf(options.uplinkPattern);
  }

  async connect(): Promise<string> {
    const { endpoint, clientIdPrefix } = this.options;
    try {
      await this.#open();
      return `client id ${clientIdPrefix}-probe-…, MQTT ${this.#version === 5 ? '5' : '3.1.1'}`;
    } catch (error) {
      if (!(error instanceof ConnectFailure) || !error.refused || error.reason === 'aws_credentials_missing') throw error;
      const how = endpoint.auth.kind === 'certificate' ? 'AWS accepted the certificate and refused CONNECT' : 'AWS accepted the signature and refused CONNECT';
      throw new StepFailure(error.reason, { detail: `${how}: ${error.message}`, missing: this.#missing('iot:Connect', `client/${clientIdPrefix}-*`), cause: error });
    }
  }

  async subscribe(filter: string): Promise<string> {
    const answer = await (await this.#open()).subscribe(filter);
    if (answer.kind === 'granted') return filter;
    throw this.#refusal(answer, 'subscribe_refused', this.#missing('iot:Subscribe', `topicfilter/${filter}`));
  }

  /** Subscribes to its own topic first, so that the message can come back; whether that is allowed is told with `receive`. */
  async publish(): Promise<string> {
    if (!isBasicIngest(this.#topic)) this.#probeAnswer = await (await this.#open()).subscribe(this.#topic);
    const answer = await (await this.#open()).publish(this.#topic, this.#payload);
    if (answer.kind !== 'granted') throw this.#refusal(answer, 'publish_forbidden', this.#missing('iot:Publish', `topic/${this.#topic}`));
    this.#published = true;
    return `${this.#topic}, acknowledged`;
  }

  /** The bridge never subscribes to its uplinks, so a policy may well not allow it: that is told, and is no failure. */
  async receive(): Promise<string> {
    const skip = (detail: string, missing?: Missing): StepFailure => new StepFailure('subscribe_refused', { detail, missing, result: 'skipped' });
    if (!this.#published || this.#probeAnswer === undefined) throw skip('nobody can subscribe to a topic of Basic Ingest');
    if (this.#probeAnswer.kind !== 'granted') {
      throw skip(`subscribing to the probe topic: ${toldBy(this.#probeAnswer)}; publishing was acknowledged, and uplinks need no more`, this.#missing('iot:Subscribe', `topicfilter/${this.#topic}`));
    }
    if (await this.#session?.received(this.#topic, this.#payload)) return this.#topic;
    throw skip('the message was acknowledged and did not come back; uplinks do not need it, downlinks need iot:Receive on their own topics', this.#missing('iot:Receive', `topic/${this.#topic}`));
  }

  end(): void {
    this.#session?.end();
  }

  async #open(): Promise<ProbeSession> {
    if (this.#session?.open === true) return this.#session;
    const { endpoint, clientIdPrefix, timeoutMs } = this.options;
    try {
      this.#session = await openProbeSession({ endpoint, clientIdPrefix, version: this.#version, timeoutMs }, this.signal);
      return this.#session;
    } catch (error) {
      if (this.#version === 4 || !(error instanceof BridgeError) || !refusesVersion(error.cause)) throw error;
      this.#version = 4;
      return this.#open();
    }
  }

  #missing(action: string, resource: string): Missing {
    return { policy: this.options.endpoint.auth.kind === 'certificate' ? 'iot' : 'iam', action, resource: iotArn(this.options.place, resource) };
  }

  #refusal(answer: Exclude<Answer, { kind: 'granted' }>, forbidden: Reason, missing: Missing): StepFailure {
    const detail = `${toldBy(answer)} to ${missing.action}`;
    if (answer.kind === 'unanswered') return new StepFailure(forbidden === 'publish_forbidden' ? 'publish_timeout' : 'connect_timeout', { detail });
    if (mayMeanPolicy(answer.code)) return new StepFailure(forbidden, { detail, missing });
    return new StepFailure(forbidden === 'publish_forbidden' ? 'publish_refused' : forbidden, { detail });
  }
}

const steps = ['dns', 'tcp', 'tls', 'websocket', 'mqtt connect', 'subscribe', 'publish', 'receive'] as const;
type Step = (typeof steps)[number];

/** Without these the next steps mean nothing. */
const needed: ReadonlySet<Step> = new Set(['dns', 'tcp', 'tls', 'websocket', 'mqtt connect']);

/**
 * The MQTT half of a dry run: tries what the connection's sessions will do, beside them, and leaves nothing behind. It publishes one small
 * message on the topic of an uplink of the device `lpwanbridgeprobe`, which rules on the AWS side may see. Downlinks are subscribed
 * to without a share name, so that none is taken from the bridge; whether they would be delivered only a downlink could show.
 * Never throws. The steps stand in the order in which they were tried; after one that the rest needs, the rest is skipped.
 */
export const checkMqtt = async (options: CheckMqttOptions, signal: AbortSignal): Promise<CheckStep[]> => {
  const check = new MqttCheck(options, signal);
  const { endpoint, timeoutMs, downlinkFilter } = options;
  const network = { endpoint, timeoutMs };
  const work: Partial<Record<Step, () => Promise<string | undefined>>> = {
    dns: () => checkDns(network, signal),
    tcp: () => checkTcp(network, signal),
    tls: () => checkTls(network, signal),
    ...(endpoint.auth.kind === 'sigv4' ? { websocket: () => checkWebSocket(network, signal) } : {}),
    'mqtt connect': () => check.connect(),
    ...(downlinkFilter === undefined ? {} : { subscribe: () => check.subscribe(downlinkFilter) }),
    publish: () => check.publish(),
    receive: () => check.receive(),
  };
  const results: CheckStep[] = [];
  let failed: Step | undefined;
  for (const step of steps) {
    const run = work[step];
    if (run === undefined && step === 'websocket') continue;
    if (run === undefined) results.push(skippedStep(step, 'the connection takes no downlinks'));
    else if (failed !== undefined) results.push(skippedStep(step, `not tried after ${failed}`));
    else if (signal.aborted) results.push(skippedStep(step, 'the check was stopped'));
    else {
      const result = await runStep(step, run, judgeStep);
      results.push(result);
      if (result.result === 'failed' && (needed.has(step) || step === 'publish')) failed = step;
    }
  }
  check.end();
  return results;
};
