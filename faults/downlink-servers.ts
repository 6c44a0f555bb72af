import type { TestBridge } from '../test/end-to-end/support/bridge.js';
import { startNetworkServer, type Arrival, type NetworkServer } from '../test/end-to-end/support/network-server.js';
import { postWebhook, reportsOf } from '../test/end-to-end/support/reports.js';
import type { OnClose, StageServerOptions } from './stage-options.js';

/** The network servers of a stage, which report what they transmitted. */
export interface StageServers {
  readonly all: readonly NetworkServer[];
  /** Of those that are not made through the API, for the configuration file. */
  readonly entries: readonly object[];
  /** Throws for one that is not there. */
  readonly server: (id: string) => NetworkServer;
  readonly entry: (id: string) => object;
}

const lookEveryMs = 25;

/** A 2xx that came late or not at all is asked for again, as network servers do that post more than once. */
const reportSent = async (bridge: TestBridge, { id, api }: NetworkServer, arrival: Arrival): Promise<boolean> => {
  const webhook = reportsOf[api].of.sent?.(arrival);
  if (webhook === undefined) return true;
  return postWebhook(bridge, id, webhook).then(({ status }) => status === 204, () => false);
};

/** Posts the report `sent` of each downlink that the network server took, once its answer is out. */
const keepReporting = (server: NetworkServer, bridge: () => TestBridge | undefined): (() => void) => {
  let waiting: readonly Arrival[] = [];
  let read = 0;
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  const look = async (): Promise<void> => {
    const taken = new Set(server.taken());
    waiting = [...waiting, ...server.arrivals.slice(read).filter((arrival) => taken.has(arrival))];
    read = server.arrivals.length;
    const left: Arrival[] = [];
    for (const arrival of waiting) {
      const to = bridge();
      const isReported = to !== undefined && !over && arrival.answeredAt !== undefined && (await reportSent(to, server, arrival));
      if (!isReported) left.push(arrival);
    }
    waiting = left;
    if (!over) timer = setTimeout(() => void look(), lookEveryMs);
  };
  void look();
  return () => {
    over = true;
    clearTimeout(timer);
  };
};

export const openStageServers = async (options: Readonly<Record<string, StageServerOptions>>, bridge: () => TestBridge | undefined, onClose: OnClose): Promise<StageServers> => {
  const all: NetworkServer[] = [];
  for (const [id, { api }] of Object.entries(options)) {
    const server = await startNetworkServer(api, id);
    onClose(() => server.stop());
    onClose(keepReporting(server, bridge));
    all.push(server);
  }
  const server = (id: string): NetworkServer => {
    const found = all.find((one) => one.id === id);
    if (found === undefined) throw new Error(`the stage has no network server ${id}`);
    return found;
  };
  const entry = (id: string): object => server(id).entry(options[id]?.downlink);
  return { all, server, entry, entries: all.filter(({ id }) => options[id]?.throughApi !== true).map(({ id }) => entry(id)) };
};
