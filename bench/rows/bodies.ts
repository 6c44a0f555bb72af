import { besideBare, bridgeBesideBare, openBridge, usual, type Contestant } from '../cases.js';
import type { Row } from '../row.js';
import type { Scene } from '../scene.js';
import type { BodyKind, Measured } from '../types.js';

type Extent = Pick<Scene, 'seconds' | 'rounds'>;

/** So many turns a round, and as many runs for the latencies; each run starts and ends a process of its own. */
const boundOf = (turns: number) => ({ seconds, rounds }: Extent): number => 90 + (rounds + 2) * turns * (seconds + 8);

const titles: Readonly<Record<Exclude<BodyKind, 'chirpstack'>, string>> = {
  'the-things-stack': 'The Things Stack',
  thingpark: 'ThingPark, JSON',
  'thingpark-xml': 'ThingPark, XML',
  sigfox: 'Sigfox',
};

const bodyRow = (body: keyof typeof titles): Row => ({
  name: `body-${body}`,
  what: 'Bodies of the network servers, each beside (a) with the same body',
  boundSeconds: boundOf(2),
  run: async (scene) => ({ measured: (await bridgeBesideBare(scene, { name: titles[body], body })).measured }),
});

export const bodies: readonly Row[] = (Object.keys(titles) as (keyof typeof titles)[]).map(bodyRow);

/** Two levels out of the message, beside the device. */
const jsonPathTopic = 'sites/{$.device.tags.site}/{$.device.application}/{DevEUI}/uplink';

export const jsonPath: Row = {
  name: 'json-path',
  what: 'Topics',
  boundSeconds: boundOf(3),
  run: async (scene) => ({
    measured: (await besideBare(scene, [
      { name: 'the default, `tpx/things/{DevEUI}/uplink`', subject: await openBridge(scene) },
      { name: `with JSONPath, \`${jsonPathTopic}\``, subject: await openBridge(scene, { topicPattern: jsonPathTopic }) },
    ])).measured,
  }),
};

const perMessage = ({ remark, ...figures }: Measured): Measured => ({ ...figures, remark: ['figures are of requests, half of which are duplicates', ...(remark === undefined ? [] : [remark])].join('; ') });

export const duplicates: Row = {
  name: 'duplicates',
  what: 'Duplicates',
  boundSeconds: boundOf(2),
  async run(scene) {
    const contestant: Contestant = { name: 'each message posted twice', twice: true, subject: await openBridge(scene) };
    return { measured: (await besideBare(scene, [contestant])).measured.map(perMessage) };
  },
};

const manyConnections = 200;

export const connectionCounts: Row = {
  name: 'connections',
  what: 'Connections to AWS accounts',
  boundSeconds: (extent) => 60 + boundOf(3)(extent),
  run: async (scene) => ({
    measured: (await besideBare(scene, [
      { name: 'one', subject: await openBridge(scene) },
      { name: `${manyConnections}, by flows of device ranges`, subject: await openBridge(scene, { connections: manyConnections, devices: usual.devices }) },
    ])).measured,
  }),
};
