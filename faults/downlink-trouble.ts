import type { NetworkServer } from '../test/end-to-end/support/network-server.js';
import type { Form } from './row.js';
import type { StageOptions, StageServerOptions } from './stage-options.js';
import type { Stage } from './stage.js';

const healthyDevices = 10;
/** Devices of each network server in trouble, and downlinks to them: in the long form far more than the rate would carry if each were tried again by itself. */
const sickDevices: Readonly<Record<Form, number>> = { quick: 20, long: 300 };
export const toSick: Readonly<Record<Form, number>> = { quick: 40, long: 600 };
const uplinks = { devices: 20, perSecond: 40 };
const healthyPerSecond = 10;
const usualSeconds: Readonly<Record<Form, number>> = { quick: 2, long: 30 };
/** A healthy network server has each of its downlinks after this time at the latest, whatever the others do, ms; longer where tests run beside each other. */
const bounds: Readonly<Record<Form, number>> = { quick: 10_000, long: 5_000 };

/** The long form has the settings that a bridge has by default; the quick one only waits less between two trials. */
const patience: Readonly<Record<Form, object>> = { quick: { attempts: 100 }, long: { backoff: { min: '1s', max: '60s' } } };

/** `healthy`, and those that will be in trouble. */
export const stageOf = (sick: Readonly<Record<string, StageServerOptions>>) => (form: Form): StageOptions => ({
  networkServers: {
    healthy: { api: 'the-things-stack' },
    ...Object.fromEntries(Object.entries(sick).map(([id, options]) => [id, { ...options, downlink: { ...patience[form], ...options.downlink } }])),
  },
});

interface Beside {
  readonly sick: readonly string[];
  /** Default: some for the quick form, half a minute for the long one. */
  readonly seconds?: number;
  readonly form: Form;
  /** Downlinks to each in trouble; default `toSick`. Those that are answered, by a refusal too, take their share of the rate. */
  readonly count?: number;
}

/** A bridge that has heard devices of every network server; those of `made` are made through its API first. */
export const begin = async (stage: Stage, { form, sick, made = [] }: Pick<Beside, 'form' | 'sick'> & { readonly made?: readonly string[] }): Promise<void> => {
  await stage.start();
  for (const id of made) await stage.downlinks.make(id);
  await stage.downlinks.hear(healthyDevices, ['healthy']);
  await stage.downlinks.hear(sickDevices[form], sick);
};

/** The health says what is wrong with the network server. */
export const isNamed = (stage: Stage, { id }: NetworkServer, reason: string): Promise<boolean> =>
  stage.eventually(`the health names ${id}: ${reason}`, async () => {
    const { problems = [] } = JSON.parse((await stage.bridge.private('/health')).body) as { readonly problems?: readonly { readonly component: string; readonly reason: string }[] };
    return problems.some((problem) => problem.component === `network server ${id}` && problem.reason === reason);
  });

/**
 * Downlinks to the network servers in trouble, and for so long uplinks and downlinks to the healthy one. All of these get where they
 * should while the trouble lasts. Resolves with what was sent to the others.
 */
export const beside = async (stage: Stage, { sick, form, seconds = usualSeconds[form], count: each = toSick[form] }: Beside): Promise<readonly string[]> => {
  const boundMs = bounds[form];
  const sent = (await Promise.all(sick.map((to) => stage.downlinks.send({ to, count: each })))).flat();
  // AWS gives one subscriber so many a second: what is to be seen is what waits in the bridge, not before it.
  await stage.downlinks.stored(sent);
  const count = uplinks.perSecond * seconds;
  const [accepted, healthy] = await Promise.all([
    stage.load({ ...uplinks, count }),
    stage.downlinks.send({ to: 'healthy', count: healthyPerSecond * seconds, perSecond: healthyPerSecond }),
  ]);
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were not answered 204`);
  await stage.downlinks.ended(healthy, boundMs);
  await stage.arrived(boundMs);
  const slowest = stage.downlinks.slowestMs(healthy);
  stage.check(slowest <= boundMs, `a downlink to the healthy network server took ${Math.round(slowest)} ms`);
  stage.remark(`healthy one's slowest downlink ${Math.round(slowest)} ms`);
  return sent;
};

/** The health says what is wrong, and the trouble lasted until now: nothing got through to the network server. */
export const isInTrouble = async (stage: Stage, server: NetworkServer, reason: string, before = 0): Promise<void> => {
  await isNamed(stage, server, reason);
  const more = server.taken().length - before;
  stage.check(more === 0, `${server.id} took ${more} downlinks while it was in trouble: the others were not beside it`);
};
