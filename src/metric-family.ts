import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A second label with all the values it can have, so that every series starts at zero. */
export interface SecondLabel<V extends string> {
  readonly name: string;
  readonly values: readonly V[];
}

/**
 * Metrics of things that come and go while the process runs: connections, network servers. Every series of a member starts at zero
 * when the member is added, and goes when it is removed; what is counted for one that is gone is left out.
 */
export interface MetricFamily {
  /** Counts by member. What is counted is added up here until it is scraped: this is called for each message. */
  counter(name: string, help: string): (member: string, count?: number) => void;
  /** Counts by member and a second label. */
  counterBy<V extends string>(name: string, help: string, second: SecondLabel<V>): (member: string, value: V, count?: number) => void;
  /** Reads a value when it is scraped. */
  gauge(name: string, help: string, read: (member: string) => number | Promise<number>): void;
  histogram(name: string, help: string, buckets: readonly number[]): (member: string, value: number) => void;
  /** False: it is there already, and nothing changed. */
  add(member: string): boolean;
  remove(member: string): void;
}

const prefix = 'lpwan_bridge_';

/** Values of a series of a histogram that go to Prometheus' client together, when it is not scraped before: one after the other it takes several times as long. */
const observedTogether = 256;

/** @param label Name of the label that holds the member, `connection` or `network_server`. */
export const createMetricFamily = (registry: Registry, label: string, members: readonly string[] = []): MetricFamily => {
  const known = new Set<string>();
  const births: ((member: string) => void)[] = [];
  const deaths: ((member: string) => void)[] = [];
  const registers = [registry];

  const lives = (birth: (member: string) => void, death: (member: string) => void): void => {
    births.push(birth);
    deaths.push(death);
    known.forEach(birth);
  };

  const family: MetricFamily = {
    counter(name, help) {
      const added = new Map<string, number>();
      const counter = new Counter({
        name: `${prefix}${name}`,
        help,
        labelNames: [label],
        registers,
        collect() {
          for (const [member, count] of added) this.inc({ [label]: member }, count);
          for (const member of added.keys()) added.set(member, 0);
        },
      });
      lives(
        (member) => void added.set(member, 0),
        (member) => {
          added.delete(member);
          counter.remove({ [label]: member });
        },
      );
      return (member, count = 1) => {
        const before = added.get(member);
        if (before !== undefined) added.set(member, before + count);
      };
    },
    counterBy(name, help, second) {
      const counter = new Counter({ name: `${prefix}${name}`, help, labelNames: [label, second.name], registers });
      const used = new Map<string, Set<string>>();
      lives(
        (member) => {
          used.set(member, new Set(second.values));
          for (const value of second.values) counter.inc({ [label]: member, [second.name]: value }, 0);
        },
        (member) => {
          for (const value of used.get(member) ?? []) counter.remove({ [label]: member, [second.name]: value });
          used.delete(member);
        },
      );
      return (member, value, count = 1) => {
        const values = used.get(member);
        if (values === undefined) return;
        values.add(value);
        counter.inc({ [label]: member, [second.name]: value }, count);
      };
    },
    gauge(name, help, read) {
      new Gauge({
        name: `${prefix}${name}`,
        help,
        labelNames: [label],
        registers,
        async collect() {
          this.reset();
          await Promise.all([...known].map(async (member) => this.set({ [label]: member }, await read(member))));
        },
      });
    },
    histogram(name, help, buckets) {
      const waiting = new Map<string, number[]>();
      const observe = (values: number[], member: string): void => {
        for (const value of values.splice(0)) histogram.observe({ [label]: member }, value);
      };
      const histogram = new Histogram({ name: `${prefix}${name}`, help, labelNames: [label], buckets: [...buckets], registers, collect: () => waiting.forEach(observe) });
      lives(
        (member) => {
          waiting.set(member, []);
          histogram.zero({ [label]: member });
        },
        (member) => {
          waiting.delete(member);
          histogram.remove({ [label]: member });
        },
      );
      return (member, value) => {
        const values = waiting.get(member);
        if (values !== undefined && values.push(value) >= observedTogether) observe(values, member);
      };
    },
    add(member) {
      if (known.has(member)) return false;
      known.add(member);
      for (const birth of births) birth(member);
      return true;
    },
    remove(member) {
      if (!known.delete(member)) return;
      for (const death of deaths) death(member);
    },
  };
  members.forEach((member) => family.add(member));
  return family;
};
