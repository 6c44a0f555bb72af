import { randomBytes } from 'node:crypto';
import { BridgeError, messageOf } from '../../errors.js';
import type { CheckStep } from '../../api/ports.js';
import { runStep, skippedStep } from '../check-step.js';
import { createPrincipal, type CertificateReference, type Principal } from './certificate-principal.js';
import { createRegistryClient, type RegistryClient, type RegistryOptions } from './registry-client.js';
import { permissionIn, RegistryError } from './registry-error.js';
import type { ThingSettings } from './thing-pattern.js';

export interface CheckRegistryOptions {
  readonly registry: RegistryOptions;
  readonly things: ThingSettings;
  readonly certificate: CertificateReference;
  /** Host name of the MQTT endpoint that is configured; absent where it is no endpoint of AWS's own (a private link, a stand-in). */
  readonly endpoint?: string;
  /** Whether the connection makes things; where it does not, none is made. */
  readonly create: boolean;
}

/** What a step tells when it ends well. @throws BridgeError */
type Work = () => Promise<string | undefined>;

/** AWS detaches a little later than it answers, and deletes no thing with a principal. */
const deleteAttempts = 10;
const deletePauseMs = 500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The permission that a failure names; credentials can lack one too: that to assume the role. */
const missingOf = (error: unknown): Pick<CheckStep, 'missing'> => {
  const { action, resource } = (error instanceof RegistryError ? error.missing : undefined) ?? permissionIn(messageOf(error));
  return action === undefined || resource === undefined ? {} : { missing: { policy: 'iam', action, resource } };
};

const run = (step: string, work: Work): Promise<CheckStep> => runStep(step, work, missingOf);

const checkEndpoint = (registry: RegistryClient, configured: string | undefined): Promise<CheckStep> =>
  run('describe endpoint', async () => {
    const found = await registry.describeEndpoint();
    if (configured === undefined || configured.toLowerCase() === found.toLowerCase()) return found;
    throw new BridgeError('registry_refused', { detail: `the credentials belong to the account with the endpoint ${found}, the connection goes to ${configured}` });
  });

/** Only looks: a type that is made cannot be removed for five minutes. */
const checkThingType = (registry: RegistryClient, name: string): Promise<CheckStep> =>
  run('thing type', async () => {
    const found = await registry.describeThingType(name);
    if (found === undefined) return `${name} does not exist; the bridge makes it with the first device, with iot:CreateThingType`;
    if (found.deprecated) throw new BridgeError('registry_refused', { detail: `AWS takes no new things of the type ${name}: it is deprecated` });
    return name;
  });

const deleteProbe = async (registry: RegistryClient, name: string, attempts: number): Promise<undefined> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await registry.deleteThing(name);
      return undefined;
    } catch (error) {
      if (attempt === attempts || !(error instanceof BridgeError) || error.reason !== 'registry_refused') throw error;
      await pause(deletePauseMs);
    }
  }
};

/** Makes a thing as for a device, with a name of its own, and removes it again whatever happens in between. */
const checkProbe = async (registry: RegistryClient, arn: string | undefined, attributes: Readonly<Record<string, string>>): Promise<CheckStep[]> => {
  const name = `lpwan-bridge-probe-${randomBytes(6).toString('hex')}`;
  const steps: CheckStep[] = [];
  const step = async (title: string, work: Work): Promise<boolean> => {
    const done = await run(title, work);
    steps.push(done);
    return done.result === 'ok';
  };
  if (!(await step('create thing', () => registry.createThing({ name, attributes }).then(() => name)))) {
    return [...steps, ...['describe thing', 'attach principal', 'detach principal', 'delete thing'].map((title) => skippedStep(title, 'there is no probe thing'))];
  }
  await step('describe thing', () => registry.describeThing(name).then(() => name));
  // What AWS refuses to detach keeps the thing from being deleted, however long it is tried.
  let stays = false;
  if (arn === undefined) steps.push(skippedStep('attach principal', 'no certificate'), skippedStep('detach principal', 'no certificate'));
  else if (await step('attach principal', () => registry.attachPrincipal(name, arn).then(() => arn))) {
    stays = !(await step('detach principal', () => registry.detachPrincipal(name, arn).then(() => arn)));
  } else steps.push(skippedStep('detach principal', 'nothing is attached'));
  await step('delete thing', () => deleteProbe(registry, name, stays ? 1 : deleteAttempts));
  return steps;
};

/** The ARN of the connection's certificate, and the step that found it. */
const findCertificate = async (principal: Principal): Promise<{ readonly arn: string | undefined; readonly step: CheckStep }> => {
  let arn: string | undefined;
  const step = await run('find certificate', async () => (arn = await principal()));
  return { arn, step: step.result === 'ok' && arn === undefined ? skippedStep(step.step, 'the connection has no certificate') : step };
};

/** Tries what registration needs, and leaves nothing behind. Never throws. The steps stand in the order in which they were tried. */
export const checkRegistry = async ({ registry: options, things, certificate, endpoint, create }: CheckRegistryOptions): Promise<readonly CheckStep[]> => {
  const registry = createRegistryClient(options);
  try {
    const credentials = await run('aws credentials', async () => `access key ${(await options.credentials()).accessKeyId.slice(0, 4)}…`);
    if (credentials.result === 'failed') return [credentials];
    const steps = [credentials, await checkEndpoint(registry, endpoint)];
    if (things.deviceType !== undefined) steps.push(await checkThingType(registry, things.deviceType));
    if (!create) return [...steps, await run('describe thing', () => registry.describeThing('lpwan-bridge-probe').then(() => undefined))];
    const { arn, step } = await findCertificate(createPrincipal(registry, certificate));
    return [...steps, step, ...(await checkProbe(registry, arn, { [things.ownerAttribute]: things.owner }))];
  } finally {
    registry.close();
  }
};
