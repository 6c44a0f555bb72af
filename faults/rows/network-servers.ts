import { readFile, writeFile } from 'node:fs/promises';
import { apiSecrets } from '../../test/end-to-end/support/downlink-api.js';
import type { Arrival } from '../../test/end-to-end/support/network-server.js';
import { begin, beside, isInTrouble, isNamed, stageOf, toSick } from '../downlink-trouble.js';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';

const dead: Row = {
  name: 'network-server-dead',
  fault: 'a downlink API refuses connections, then answers every request with 500; another network server beside it',
  stage: stageOf({ dead: { api: 'chirpstack' } }),
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 300 },
  async run(stage, form) {
    const server = stage.downlinks.server('dead');
    const phase = async (reason: string, away: () => unknown, back: () => unknown): Promise<void> => {
      const before = server.taken().length;
      await away();
      await beside(stage, { sick: ['dead'], form });
      await isInTrouble(stage, server, reason, before);
      await stage.recover(back);
    };
    await begin(stage, { form, sick: ['dead'] });
    await phase('network_server_unreachable', () => server.leave(), () => server.comeBack());
    await phase('network_server_busy', () => server.behave({ do: 'refuse', status: 500 }), () => server.behave({ do: 'take' }));
  },
};

/** Requests under way when the first 429 came may follow it so closely, ms. */
const underWayMs = 500;
/** Timers and the clocks of two processes, ms. */
const earlyMs = 100;

/** After a 429 nobody asks again before Retry-After is over, and then one by one. */
const keepsAway = (stage: Stage, calls: readonly Arrival[], retryAfterMs: number): void => {
  const first = calls[0]?.at ?? 0;
  const later = calls.filter(({ at }) => at > first + underWayMs).map(({ at }) => at);
  const gaps = later.map((at, index) => at - (later[index - 1] ?? first));
  const shortest = Math.min(...gaps);
  stage.check(later.length > 0, 'nobody tried again');
  stage.check(shortest >= retryAfterMs - earlyMs, `a trial came ${Math.round(shortest)} ms after the one before it, Retry-After was ${retryAfterMs} ms`);
  stage.remark(`${later.length} trials, ${(shortest / 1_000).toFixed(1)} s apart at least`);
};

const busy: Row = {
  name: 'network-server-429',
  fault: 'a downlink API answers every request with 429 and Retry-After (10 s; quick: 2 s); another network server beside it',
  stage: stageOf({ busy: { api: 'the-things-stack' } }),
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 300 },
  async run(stage, form) {
    const retryAfter = form === 'quick' ? 2 : 10;
    const server = stage.downlinks.server('busy');
    await begin(stage, { form, sick: ['busy'] });
    server.behave({ do: 'refuse', status: 429, retryAfter: String(retryAfter) });
    await beside(stage, { sick: ['busy'], seconds: form === 'quick' ? 3 : 60, form });
    await isInTrouble(stage, server, 'network_server_busy');
    keepsAway(stage, [...server.arrivals], retryAfter * 1_000);
    await stage.recover(() => server.behave({ do: 'take' }));
  },
};

/** Submissions of both kinds of slow network server, held against what the answers promised. */
const slow: Row['run'] = async (stage, form) => {
  const afterMs = form === 'quick' ? 2_000 : 20_000;
  const [patient, hasty] = [stage.downlinks.server('patient'), stage.downlinks.server('hasty')];
  await begin(stage, { form, sick: ['patient', 'hasty'] });
  for (const server of [patient, hasty]) server.behave({ do: 'take-late', afterMs });
  await beside(stage, { sick: ['patient', 'hasty'], seconds: form === 'quick' ? 4 : 60, form });
  await isNamed(stage, hasty, 'network_server_timeout');
  const unanswered = hasty.taken().length;
  await stage.recover(() => [patient, hasty].forEach((server) => server.behave({ do: 'take' })), 120_000);
  stage.check(unanswered > 0, 'no answer was lost');
  stage.check(patient.taken().length === toSick[form], `the network server that answers in time took ${patient.taken().length} of ${toSick[form]} downlinks`);
  const again = hasty.taken().length - toSick[form];
  stage.check(again <= unanswered, `${again} downlinks were submitted again after ${unanswered} lost answers`);
  stage.remark(`${unanswered} answers came after the time-out, ${again} submissions were made again for them`);
};

const late: Row = {
  name: 'network-server-slow',
  fault: 'a downlink API answers after 20 s (quick: 2 s), inside the time-out of one network server and after that of another; a third one beside them',
  stage: (form) => stageOf({
    patient: { api: 'chirpstack', downlink: { timeout: form === 'quick' ? '10s' : '30s' } },
    hasty: { api: 'chirpstack', downlink: { timeout: form === 'quick' ? '500ms' : '10s' } },
  })(form),
  duplicates: 'none',
  downlinksTwice: 'unavoidable',
  boundSeconds: { quick: 90, long: 400 },
  run: slow,
};

const oldToken = 'token-of-last-year';

const unauthorised: Row = {
  name: 'network-server-401',
  fault: 'downlink APIs refuse the token with 401, until it is changed: by PATCH of one network server, by a new file and a restart for another; a third one beside them',
  stage: stageOf({ patched: { api: 'chirpstack', throughApi: true, downlink: { apiToken: oldToken } }, restarted: { api: 'chirpstack', downlink: { apiToken: oldToken } } }),
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 240 },
  async run(stage, form) {
    const [patched, restarted] = [stage.downlinks.server('patched'), stage.downlinks.server('restarted')];
    await begin(stage, { form, sick: ['patched', 'restarted'], made: ['patched'] });
    const sent = await beside(stage, { sick: ['patched', 'restarted'], form });
    for (const server of [patched, restarted]) {
      await isInTrouble(stage, server, 'network_server_unauthorised');
      stage.check(server.violations.length > 0 && server.violations.every((text) => text.endsWith('invalid token')), `${server.id} was called in another way: ${server.violations.join(', ')}`);
      stage.remark(`${server.violations.length} attempts at ${server.id}`);
    }
    const { status, body } = await stage.bridge.api('PATCH', '/network-servers/patched', { downlink: { apiToken: apiSecrets.apiToken } });
    stage.check(status === 200, `the PATCH was answered ${status}: ${body}`);
    await stage.downlinks.ended(sent.slice(0, toSick[form]));
    await stage.bridge.stop();
    await writeFile(stage.home.file, (await readFile(stage.home.file, 'utf8')).replaceAll(oldToken, apiSecrets.apiToken));
    await stage.recover(() => stage.start());
  },
};

const refusal = 'DevEUI is not known here';

const saysNo: Row = {
  name: 'network-server-says-no',
  fault: 'downlink APIs answer 200 and say no: to the downlink (it fails, with their words), then to the credentials (it waits); another network server beside them',
  stage: stageOf({ thingpark: { api: 'thingpark' }, chirpstack: { api: 'chirpstack' } }),
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 240 },
  async run(stage, form) {
    const [thingpark, chirpstack] = [stage.downlinks.server('thingpark'), stage.downlinks.server('chirpstack')];
    await begin(stage, { form, sick: ['thingpark', 'chirpstack'] });
    for (const server of [thingpark, chirpstack]) server.behave({ do: 'refuse', status: 200, text: refusal });
    const refused = await beside(stage, { sick: ['thingpark', 'chirpstack'], form, count: toSick.quick });
    stage.downlinks.expect('failed', refused);
    await stage.downlinks.ended(refused);
    const untold = refused.filter((id) => !stage.downlinks.statuses.of(id).some(({ cause }) => cause?.text?.includes(refusal) === true));
    stage.check(untold.length === 0, `${untold.length} failed downlinks do not say what the network server said`);
    thingpark.behave({ do: 'refuse', status: 200, text: 'Security check failed: the Token is wrong' });
    chirpstack.behave({ do: 'take' });
    await beside(stage, { sick: ['thingpark', 'chirpstack'], form });
    await isInTrouble(stage, thingpark, 'network_server_unauthorised');
    await stage.recover(() => thingpark.behave({ do: 'take' }));
  },
};

export const networkServers: readonly Row[] = [dead, busy, late, unauthorised, saysNo];
