import { atRate, openBridge, usualRate, warmAtRate, type Contestant } from '../cases.js';
import { subjectOf } from '../measure.js';
import type { Row } from '../row.js';
import { alternate, medianFor } from '../sample.js';
import { startBare, startLeast, startNaive } from '../start-target.js';

/** What a moment costs in which one message comes alone: the ceilings have it too. */
export const at1000: Row = {
  name: 'at-1000',
  what: `At ${usualRate.toLocaleString('en')}/s, in turn with the ceilings`,
  boundSeconds: ({ seconds, rounds }) => 120 + rounds * 4 * (seconds + 15),
  async run(scene) {
    const broker = await scene.broker();
    const bare: Contestant = { name: '(a) bare Fastify', subject: subjectOf(await scene.own(startBare())) };
    const naive: Contestant = { name: '(b) bare Fastify and one MQTT.js publish a request', subject: subjectOf(await scene.own(startNaive(broker)), [broker.pid]) };
    const least: Contestant = { name: '(e) the least by hand', subject: subjectOf(await scene.own(startLeast(broker)), [broker.pid]) };
    const ours: Contestant = { name: 'the bridge', subject: await openBridge(scene) };
    const all = [bare, naive, least, ours];
    for (const contestant of all) await warmAtRate(scene, contestant);
    // Nothing of (a) arrives anywhere.
    const observed = (contestant: Contestant) => contestant !== bare;
    const samples = await alternate(all.map((contestant) => ({ name: contestant.name, measure: () => atRate(scene, contestant, { observed: observed(contestant) }) })), scene.rounds);
    return { measured: all.map(({ name }) => ({ name, ...medianFor(samples, name) })) };
  },
};
