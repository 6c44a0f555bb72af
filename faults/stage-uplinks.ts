import { setImmediate } from 'node:timers/promises';
import type { TestBridge } from '../test/end-to-end/support/bridge.js';
import { countOf, createArrivals, devEuiOf, judgeArrived, runLoad, type Accepted, type LoadOptions, type Verdict } from '../test/end-to-end/support/load.js';
import type { ReceivedMessages } from '../test/end-to-end/support/received.js';
import type { Checks } from './stage-checks.js';

/** A load of numbered uplinks; `replica` names the bridge that gets a webhook, asked at each one. Default: the first. */
export interface StageLoad extends Omit<LoadOptions, 'from'> {
  readonly replica?: (device: number, fCnt: number) => number;
}

/** What became of the numbered uplinks. */
export interface UplinkTally extends Verdict {
  readonly sent: number;
  readonly delivered: number;
  readonly parked: number;
  /** How many webhooks were answered with each status but 204; 0 stands for no answer at all. */
  readonly otherAnswers: Readonly<Record<number, number>>;
}

/** The numbered uplinks of a row: what was promised, and what arrived. */
export interface Uplinks {
  /** Resolves with how many were answered 204. */
  readonly load: (options: StageLoad) => Promise<number>;
  /** The row itself posted a numbered uplink, and it was answered 204. */
  readonly accepted: (devEui: string, fCnt: number) => void;
  readonly expectParked: (devEui: string) => void;
  /** What was promised and has not arrived counts as lost, and is waited for no longer. Gives how many. */
  readonly giveUp: () => number;
  /** What is promised so far and is to arrive. */
  promised(): Accepted;
  /** Notes a failure when it has not arrived in time. */
  arrived(wanted: Accepted, boundMs: number): Promise<boolean>;
  tally(): UplinkTally;
}

export interface UplinksOptions {
  readonly received: ReceivedMessages;
  readonly checks: Checks;
  readonly bridge: (replica: number) => TestBridge;
}

/**
 * Messages that are read in one turn of the event loop, about 10 ms: this process also holds the proxies, and a session whose PUBACKs do not come for as
 * long as a million messages take to be read is dead to the bridge.
 */
const readAtOnce = 2_000;

export const createUplinks = ({ received, checks, bridge }: UplinksOptions): Uplinks => {
  const accepted: Accepted = new Map();
  const arrivals = createArrivals(received.all);
  const parkedDevices = new Set<string>();
  const givenUp = new Set<string>();
  const otherAnswers: Record<number, number> = {};
  let sent = 0;
  let nextFCnt = 0;

  const take = (devEui: string, fCnt: number): void => {
    const list = accepted.get(devEui);
    if (list === undefined) accepted.set(devEui, [fCnt]);
    else list.push(fCnt);
  };
  const nameOf = (devEui: string, fCnt: number): string => `${devEui} ${fCnt}`;
  /** Without what was given up, and the devices whose uplinks are to be parked. */
  const promised = (): Accepted => new Map([...accepted].filter(([devEui]) => !parkedDevices.has(devEui)).map(([devEui, list]) => [devEui, list.filter((fCnt) => !givenUp.has(nameOf(devEui, fCnt)))]));
  const parkedCount = (): number => [...parkedDevices].reduce((sum, devEui) => sum + (accepted.get(devEui)?.length ?? 0), 0);

  return {
    async load({ replica = () => 0, ...options }) {
      const { devices, count, firstDevice = 0, answered } = options;
      const from = nextFCnt;
      nextFCnt += Math.ceil(count / devices);
      // Noted at each answer: what a load that goes on was promised counts too.
      const note = (index: number, status: number): void => {
        sent += 1;
        if (status === 204) take(devEuiOf(firstDevice + (index % devices)), from + Math.floor(index / devices));
        else otherAnswers[status] = (otherAnswers[status] ?? 0) + 1;
        answered?.(index, status);
      };
      return countOf(await runLoad((device, fCnt) => bridge(replica(device, fCnt)), { ...options, from, answered: note }));
    },
    accepted(devEui, fCnt) {
      sent += 1;
      take(devEui, fCnt);
    },
    expectParked: (devEui) => void parkedDevices.add(devEui),
    giveUp() {
      arrivals.read();
      const { order } = arrivals.arrived();
      for (const [devEui, list] of promised()) {
        const here = new Set(order.get(devEui));
        for (const fCnt of list) if (!here.has(fCnt)) givenUp.add(nameOf(devEui, fCnt));
      }
      return givenUp.size;
    },
    promised,
    async arrived(wanted, boundMs) {
      const total = countOf(wanted);
      let seen = -1;
      return checks.eventually(`the arrival of all ${total} accepted`, async () => {
        while (!arrivals.read(readAtOnce)) await setImmediate();
        const count = arrivals.count();
        if (count < total || count === seen) return false;
        seen = count;
        return judgeArrived(wanted, arrivals.arrived()).lost === 0;
      }, boundMs);
    },
    tally() {
      const toArrive = promised();
      arrivals.read();
      const verdict = judgeArrived(toArrive, arrivals.arrived());
      return { ...verdict, lost: verdict.lost + givenUp.size, accepted: countOf(accepted), sent, delivered: countOf(toArrive) - verdict.lost, parked: parkedCount(), otherAnswers };
    },
  };
};
